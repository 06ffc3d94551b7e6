//! The door: who may come in over HTTP, and how many.

use std::io::{BufRead, BufReader, Read, Write};
use std::time::Duration;

use crate::support::{World, client::Client};
use acp_bridge::gateway;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message, client};

const HANDSHAKE: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Status line and body of the answer to a request with these headers.
fn ask(world: &World, head: &str) -> (String, String) {
    let mut stream = world.socket();
    write!(stream, "{head}\r\n").expect("send");
    let mut answer = BufReader::new(stream);
    let mut status = String::new();
    answer.read_line(&mut status).expect("a status line");
    let mut length = 0;
    loop {
        let mut line = String::new();
        answer.read_line(&mut line).expect("a header");
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    answer.read_exact(&mut body).expect("the body");
    (status.trim().to_owned(), String::from_utf8(body).expect("text"))
}

#[test]
fn pages_of_other_sites_are_kept_out_whatever_they_ask_for() {
    let world = World::start();
    for path in ["/acp", "/healthz", "/nonesuch"] {
        for headers in [
            "Host: evil.example\r\n",
            "Host: localhost\r\nOrigin: http://evil.example\r\n",
            "Host: localhost\r\nOrigin: null\r\n",
            "Host: localhost:4477\r\nOrigin: http://localhost:3000\r\n",
        ] {
            let (status, body) = ask(&world, &format!("GET {path} HTTP/1.1\r\n{headers}{HANDSHAKE}"));
            assert_eq!(status, "HTTP/1.1 403 Forbidden", "{path} {headers}");
            assert!(body.contains(if headers.contains("Origin") { "--allow-origin" } else { "loopback" }), "{body}");
        }
    }
}

#[test]
fn pages_and_programs_of_this_machine_come_in() {
    let world = World::start();
    for headers in ["Host: localhost:1\r\n", "Host: [::1]:3000\r\nOrigin: http://[::1]:3000\r\n"] {
        let (status, _) = ask(&world, &format!("GET /acp HTTP/1.1\r\n{headers}{HANDSHAKE}"));
        assert_eq!(status, "HTTP/1.1 101 Switching Protocols", "{headers}");
    }
    assert_eq!(ask(&world, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n"), ("HTTP/1.1 200 OK".into(), "ok\n".into()));
}

#[test]
fn what_is_no_handshake_is_told_how_to_make_one() {
    let world = World::start();
    let (status, body) = ask(&world, "GET /acp HTTP/1.1\r\nHost: localhost\r\n");
    assert_eq!(status, "HTTP/1.1 426 Upgrade Required");
    assert!(body.contains("ws://"), "{body}");
    let old = HANDSHAKE.replace("13", "8");
    let (status, _) = ask(&world, &format!("GET /acp HTTP/1.1\r\nHost: localhost\r\n{old}"));
    assert_eq!(status, "HTTP/1.1 426 Upgrade Required");
    let (status, _) = ask(&world, "GET /nonesuch HTTP/1.1\r\nHost: localhost\r\n");
    assert_eq!(status, "HTTP/1.1 404 Not Found");
}

#[test]
fn one_client_too_many_is_refused_until_another_has_gone() {
    let mut config = gateway::Config::default();
    config.max_connections = 2;
    let world = World::with(config);
    let (first, mut second) = (world.client(), world.client());
    let request = format!("GET /acp HTTP/1.1\r\nHost: localhost\r\n{HANDSHAKE}");
    let (status, body) = ask(&world, &request);
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
    assert!(body.contains("2 clients"), "{body}");
    drop(first);
    let deadline = std::time::Instant::now() + Duration::from_secs(180);
    while ask(&world, &request).0 != "HTTP/1.1 101 Switching Protocols" {
        assert!(std::time::Instant::now() < deadline, "the place of the client that left is not free");
        // Also a round trip, so that this does not spin.
        second.new_session();
    }
}

/// What the next message of a socket is.
fn close_code(mut next: impl FnMut() -> Result<Message, Error>) -> Option<CloseFrame> {
    loop {
        match next() {
            Ok(Message::Close(frame)) => return frame,
            Ok(_) => {}
            Err(error) => panic!("no close frame: {error}"),
        }
    }
}

#[test]
fn a_shutdown_writes_what_is_committed_and_says_goodbye_with_1001() {
    let mut world = World::start();
    let mut owner = world.client();
    let session = owner.new_session();
    let (id, turn) = world.prompt(&mut owner, &session, "hello");
    world.runtime.block_on(world.flood(&session, Some(turn), 5000, 100)).expect("the flood");
    world.end(&session, turn);
    let (mut idle, _) = client(format!("ws://{}/acp", world.address), world.socket()).expect("a handshake");
    world.stop();
    let (answer, chunks) = owner.turn(id);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert_eq!(chunks.len(), 5000);
    let frame = close_code(|| idle.read()).expect("a code");
    assert_eq!(u16::from(frame.code), 1001);
    drop((owner, idle));
    world.stopped();
    assert!(std::net::TcpStream::connect(&world.address).is_err(), "nobody is accepted any more");
}

#[test]
fn a_client_that_reads_nothing_holds_a_shutdown_up_for_the_drain_time_only() {
    let mut config = gateway::Config::default();
    config.drain = Duration::from_millis(300);
    let mut world = World::with(config);
    let mut owner = world.client();
    let session = owner.new_session();
    let mut stalled = world.client();
    stalled.resume(&session, None);
    world.runtime.block_on(world.flood(&session, None, 20_000, 2000)).expect("the flood");
    world.stop();
    let took = world.stopped();
    assert!(took < Duration::from_secs(5), "{took:?}");
    drop((owner, stalled));
}

#[test]
fn a_client_that_says_goodbye_properly_is_answered_properly() {
    let world = World::start();
    let (mut socket, _) = client(format!("ws://{}/acp", world.address), world.socket()).expect("a handshake");
    socket.close(None).expect("a close frame");
    loop {
        match socket.read() {
            Ok(_) => {}
            Err(Error::ConnectionClosed) => break,
            Err(error) => panic!("{error}"),
        }
    }
    let _: Client = world.client();
}

//! WebSocket transport over loopback.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use acp_server::proto::{CloseReason, Event, Rejection};
use acp_server::transport::ws;
use acp_server::{Config, KeepAlive, Link, start};
use acp_types::{FrameErrorKind, RawBuf};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use support::{Events, events, within};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

const LIMIT: usize = 10_000;

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// A connection of ours, and a WebSocket that can send anything.
async fn raw() -> (acp_server::Outbox, Events, WebSocketStream<MaybeTlsStream<TcpStream>>) {
    let (listener, url) = listen().await;
    let server = async { ws::accept(listener.accept().await.unwrap().0, LIMIT).await.unwrap() };
    let client = async { tokio_tungstenite::connect_async(url).await.unwrap().0 };
    let (server, client) = within("the handshake", async { tokio::join!(server, client) }).await;
    let (outbox, events) = events(start(server, Config::default()));
    (outbox, events, client)
}

async fn pair() -> (Link, Link) {
    let (listener, url) = listen().await;
    let server = async { ws::accept(listener.accept().await.unwrap().0, LIMIT).await.unwrap() };
    let client = async { ws::connect(&url, LIMIT).await.unwrap() };
    let (server, client) = within("the handshake", async { tokio::join!(server, client) }).await;
    (start(server, Config::default()), start(client, Config::default()))
}

fn text(message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>) -> String {
    match message {
        Some(Ok(Message::Text(text))) => text.as_str().to_owned(),
        other => panic!("not text: {other:?}"),
    }
}

#[tokio::test]
async fn messages_arrive_in_order_both_ways() {
    let (server, client) = pair().await;
    let (to_client, mut from_client) = events(server);
    let (to_server, mut from_server) = events(client);
    let senders = [to_client.clone(), to_server].map(|outbox| {
        tokio::spawn(async move {
            for number in 0..5000 {
                outbox.notify("n", RawBuf::parse(format!("[{number}]")).unwrap()).await.unwrap();
            }
            outbox
        })
    });
    for number in 0..5000 {
        for heard in [&mut from_server, &mut from_client] {
            let Some(Event::Notification(seen)) = heard.next().await else { panic!("{number} is missing") };
            assert_eq!(seen.params().unwrap().as_str(), format!("[{number}]"));
        }
    }
    to_client.close().await;
    let closed = from_server.next().await;
    assert!(matches!(closed, Some(Event::Closed(CloseReason::WebSocket { code: 1000, .. }))), "{closed:?}");
    for sender in senders {
        within("the sender", sender).await.unwrap();
    }
}

#[tokio::test]
async fn a_binary_message_is_ignored_and_the_connection_survives() {
    let (_outbox, mut events, mut client) = raw().await;
    client.send(Message::Binary(Bytes::from_static(b"{}"))).await.unwrap();
    client.send(Message::text(r#"{"jsonrpc":"2.0","method":"after"}"#)).await.unwrap();
    assert!(matches!(events.next().await, Some(Event::Notification(_))), "nothing came of it");
}

#[tokio::test]
async fn a_message_over_the_limit_is_answered_under_its_id_and_the_connection_survives() {
    let (_outbox, mut events, mut client) = raw().await;
    let big = format!(r#"{{"jsonrpc":"2.0","id":5,"method":"big","params":["{}"]}}"#, "x".repeat(LIMIT));
    client.send(Message::text(big)).await.unwrap();
    client.send(Message::text(r#"{"jsonrpc":"2.0","method":"after"}"#)).await.unwrap();
    let Some(Event::Rejected { reason: Rejection::Frame(error) }) = events.next().await else { panic!("not refused") };
    assert!(matches!(error.kind(), FrameErrorKind::TooLarge { limit: LIMIT, .. }));
    assert!(matches!(events.next().await, Some(Event::Notification(_))));
    let answer = text(within("the answer", client.next()).await);
    assert!(answer.starts_with(r#"{"jsonrpc":"2.0","id":5,"error":{"code":-32600"#), "{answer}");
}

#[tokio::test]
async fn a_message_far_over_the_limit_closes_with_the_code_for_it() {
    let (_outbox, mut events, mut client) = raw().await;
    client.send(Message::text("x".repeat(3 * LIMIT))).await.unwrap();
    let Some(Event::Rejected { reason: Rejection::Frame(error) }) = events.next().await else { panic!("not refused") };
    assert!(matches!(error.kind(), FrameErrorKind::TooLarge { limit: LIMIT, .. }));
    let closed = events.next().await;
    assert!(matches!(closed, Some(Event::Closed(CloseReason::TooLarge { limit: LIMIT }))), "{closed:?}");
    let answer = text(within("the answer", client.next()).await);
    assert!(answer.starts_with(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600"#), "{answer}");
    let Some(Ok(Message::Close(Some(frame)))) = within("the close frame", client.next()).await else {
        panic!("not closed in good order")
    };
    assert_eq!(frame.code, CloseCode::Size);
    assert!(frame.reason.contains(&LIMIT.to_string()), "{}", frame.reason);
}

/// A socket that is closed with something unread is reset, and the reset overtakes the last words.
#[tokio::test]
async fn a_message_that_fills_every_buffer_is_drained_before_the_close() {
    let (_outbox, _events, client) = raw().await;
    let (mut sink, mut stream) = client.split();
    let sends = tokio::spawn(async move { sink.send(Message::text("x".repeat(32 * 1024 * 1024))).await });
    let answer = text(within("the answer", stream.next()).await);
    assert!(answer.contains("-32600"), "{answer}");
    let closed = within("the close frame", stream.next()).await;
    let Some(Ok(Message::Close(Some(frame)))) = closed else { panic!("not closed in good order: {closed:?}") };
    assert_eq!(frame.code, CloseCode::Size);
    within("the end of the message", sends).await.unwrap().unwrap();
}

#[tokio::test]
async fn pings_are_answered() {
    let (_outbox, _events, mut client) = raw().await;
    client.send(Message::Ping(Bytes::from_static(b"here?"))).await.unwrap();
    let Some(Ok(Message::Pong(pong))) = within("the pong", client.next()).await else { panic!("no pong") };
    assert_eq!(&pong[..], b"here?");
}

#[tokio::test]
async fn the_code_of_a_peer_that_closes_is_reported_and_its_handshake_completed() {
    let (_outbox, mut events, mut client) = raw().await;
    let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame {
        code: CloseCode::Library(4001),
        reason: "had enough".into(),
    };
    client.close(Some(frame)).await.unwrap();
    let Some(Event::Closed(CloseReason::WebSocket { code, reason })) = events.next().await else {
        panic!("not closed")
    };
    assert_eq!((code, reason.as_str()), (4001, "had enough"));
    let Some(Ok(Message::Close(_))) = within("the close frame", client.next()).await else { panic!("no handshake") };
    assert!(within("the end", client.next()).await.is_none());
}

#[tokio::test]
async fn a_connection_that_breaks_is_reported_as_broken() {
    let (_outbox, mut events, client) = raw().await;
    drop(client);
    let closed = events.next().await;
    assert!(matches!(closed, Some(Event::Closed(CloseReason::WebSocket { code: 1006, .. }))), "{closed:?}");
}

#[tokio::test]
async fn a_peer_that_reads_nothing_is_back_pressure() {
    let (ours, _unread) = tokio::io::duplex(64 * 1024);
    let stream = WebSocketStream::from_raw_socket(ours, Role::Server, Some(ws::config(LIMIT))).await;
    let link = start(ws::Socket::from_stream(stream, LIMIT), Config::default());
    let frame = Bytes::from_static(br#"{"jsonrpc":"2.0","method":"n","params":["0123456789012345678901234567890"]}"#);
    let (mut sent, mut refused) = (0, 0);
    within("back-pressure", async {
        while refused < 1000 {
            match link.outbox.try_frames(vec![frame.clone()]) {
                Ok(()) => (sent, refused) = (sent + frame.len(), 0),
                Err(_) => refused += 1,
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(sent < 2 * 1024 * 1024, "{sent} bytes were taken");
}

/// A connection of ours that looks for signs of life, and a WebSocket that can send anything.
async fn watched(ping: u64, lost: u64) -> (acp_server::Outbox, Events, WebSocketStream<MaybeTlsStream<TcpStream>>) {
    let (listener, url) = listen().await;
    let server = async { ws::accept(listener.accept().await.unwrap().0, LIMIT).await.unwrap() };
    let client = async { tokio_tungstenite::connect_async(url).await.unwrap().0 };
    let (server, client) = within("the handshake", async { tokio::join!(server, client) }).await;
    let mut config = Config::default();
    let (ping, lost) = (Duration::from_millis(ping), Duration::from_millis(lost));
    config.keep_alive = Some(KeepAlive { ping, lost });
    let (outbox, events) = events(start(server, config));
    (outbox, events, client)
}

#[tokio::test]
async fn a_quiet_peer_that_answers_pings_is_kept() {
    let (outbox, mut events, mut client) = watched(50, 1000).await;
    // More of them than there is time for without an answer; reading one sends the answer to the one before.
    let mut pings = 0;
    while pings < 25 {
        match within("a ping", client.next()).await {
            Some(Ok(Message::Ping(_))) => pings += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(!outbox.is_closed());
    client.send(Message::text(r#"{"jsonrpc":"2.0","method":"here"}"#)).await.unwrap();
    assert!(matches!(events.next().await, Some(Event::Notification(_))));
}

#[tokio::test]
async fn a_peer_of_which_nothing_is_heard_is_given_up_also_while_it_does_not_read() {
    for flood in [false, true] {
        let (outbox, mut events, _silent) = watched(50, 300).await;
        if flood {
            // More than a socket holds.
            while outbox.try_notify("n", RawBuf::encode(&"x".repeat(9_000)).unwrap()).is_ok() {}
        }
        let Some(Event::Closed(CloseReason::Transport(reason))) = events.next().await else { panic!("not given up") };
        assert!(reason.contains("nothing was heard"), "{reason}");
    }
}

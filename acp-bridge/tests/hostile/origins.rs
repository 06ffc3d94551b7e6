//! Pages of other sites, and WebSocket handshakes as browsers and editors make them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::report::held;
use crate::support::{Bridge, Options};

const HANDSHAKE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// The head of the answer, and the body of one that is no switch of protocols.
fn ask(bridge: &Bridge, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(&bridge.address).expect("connect");
    write!(stream, "{request}\r\n").expect("send");
    let mut answer = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        answer.read_line(&mut line).expect("a line of the head");
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    answer.read_exact(&mut body).expect("the body");
    (head, String::from_utf8(body).expect("text"))
}

/// The status of a handshake at a path, with these headers.
fn status(bridge: &Bridge, path: &str, headers: &str) -> String {
    let host = &bridge.address;
    let (head, _) = ask(bridge, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}{HANDSHAKE}"));
    head.split(' ').nth(1).expect("a status").to_owned()
}

#[test]
fn a_page_on_another_port_of_this_machine_drives_no_agent() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    for path in ["/acp", "/rpc", "/dial", "/healthz", "/nonesuch"] {
        for origin in ["http://localhost:8080", "http://127.0.0.1:1", "null", "file://", "tauri://localhost"] {
            assert_eq!(status(&bridge, path, &format!("Origin: {origin}\r\n")), "403", "{path} {origin}");
        }
    }
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"session_list","params":{}}"#;
    let post = |origin: &str| {
        let (host, length) = (&bridge.address, call.len());
        let head = format!("POST /rpc HTTP/1.1\r\nHost: {host}\r\n{origin}Content-Type: application/json\r\n");
        ask(&bridge, &format!("{head}Content-Length: {length}\r\n\r\n{call}"))
    };
    let (head, body) = post("Origin: http://localhost:8080\r\n");
    assert!(head.starts_with("HTTP/1.1 403") && body.contains("--allow-origin http://localhost:8080"), "{head}{body}");
    assert!(post("").0.starts_with("HTTP/1.1 200"), "a program sends no origin");
    assert!(post(&format!("Origin: http://{}\r\n", bridge.address)).0.starts_with("HTTP/1.1 200"), "its own page");
    assert_eq!(status(&bridge, "/acp", ""), "101");
    held(
        "a page of another origin opens /acp, /rpc and other paths",
        "403 that names --allow-origin; programs come in",
    );
}

#[test]
fn origins_that_were_named_come_in_and_no_others() {
    let options = Options::fault_agent(&[]).arg("--allow-origin").arg("http://localhost:8080");
    let options =
        options.arg("--allow-origin").arg("tauri://localhost").arg("--allow-origin").arg("vscode-webview://*");
    let bridge = Bridge::start(options.arg("--allow-origin").arg("null"));
    for origin in ["http://localhost:8080", "tauri://localhost", "vscode-webview://1a2b3c", "null"] {
        for path in ["/acp", "/rpc"] {
            assert_eq!(status(&bridge, path, &format!("Origin: {origin}\r\n")), "101", "{path} {origin}");
        }
    }
    for origin in
        ["http://localhost:8081", "https://localhost:8080", "tauri://evil", "http://localhost:8080.evil.example"]
    {
        assert_eq!(status(&bridge, "/acp", &format!("Origin: {origin}\r\n")), "403", "{origin}");
    }
    held("pages of origins that were named, and of others like them", "exactly the named ones come in");
}

#[test]
fn an_offered_subprotocol_is_chosen() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    for (offered, chosen) in [("acp.v1", "acp.v1"), ("other, acp.v1", "acp.v1"), ("x, y", "x")] {
        let host = &bridge.address;
        let request = format!("GET /acp HTTP/1.1\r\nHost: {host}\r\nSec-WebSocket-Protocol: {offered}\r\n{HANDSHAKE}");
        let (head, _) = ask(&bridge, &request);
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        let line = format!("sec-websocket-protocol: {chosen}");
        assert!(head.lines().any(|found| found.eq_ignore_ascii_case(&line)), "{offered}: {head}");
    }
    let (head, _) = ask(&bridge, &format!("GET /acp HTTP/1.1\r\nHost: {}\r\n{HANDSHAKE}", bridge.address));
    assert!(!head.to_ascii_lowercase().contains("sec-websocket-protocol"), "none was offered: {head}");
    held("a WebSocket that offers subprotocols", "one of them is chosen, so that a browser keeps the connection");
}

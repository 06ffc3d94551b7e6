//! HTTP/1.1 by hand, so that a cut connection is seen as such.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use super::DEADLINE;

pub struct Response {
    pub status: u16,
    /// Status line and headers.
    pub head: String,
    pub body: Vec<u8>,
    /// Whether the body came to its end.
    pub whole: bool,
}

impl Response {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The data of the events.
    pub fn events(&self) -> Vec<Value> {
        let lines = self.text().lines().filter_map(|line| line.strip_prefix("data: "));
        lines.map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    /// The text of all deltas.
    pub fn said(&self) -> String {
        let deltas = self.events();
        let pieces = deltas.iter().filter_map(|event| event["delta"].as_str().or(event["delta"]["text"].as_str()));
        pieces.collect()
    }
}

pub fn post(address: &str, path: &str, body: &Value) -> Response {
    let body = body.to_string();
    send(address, &head("POST", path, address, Some(body.len())), body.as_bytes())
}

pub fn head(method: &str, path: &str, host: &str, length: Option<usize>) -> String {
    let length = length.map_or_else(String::new, |length| format!("content-length: {length}\r\n"));
    format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{length}\r\n")
}

/// Sends a request and reads until the server closes.
pub fn send(address: &str, head: &str, body: &[u8]) -> Response {
    let mut stream = open(address, head, body);
    let mut bytes = Vec::new();
    let ended = stream.read_to_end(&mut bytes).is_ok();
    parse(&bytes, ended)
}

/// A connection on which a request was sent.
pub fn open(address: &str, head: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    // A server that refuses early may close before all of it is written.
    let _ = stream.write_all(body);
    stream
}

/// Reads until `text` has come, and returns all that came.
pub fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&bytes).contains(text) {
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "it ended before {text:?}: {}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(bytes).unwrap()
}

fn parse(bytes: &[u8], ended: bool) -> Response {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let rest = &bytes[end + 4..];
    if !head.contains("transfer-encoding: chunked") {
        return Response { status, head, body: rest.to_vec(), whole: ended };
    }
    let (body, whole) = dechunk(rest);
    Response { status, head, body, whole }
}

/// The chunks that came, and whether the last one did.
fn dechunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(line) = rest.windows(2).position(|window| window == b"\r\n") else { return (body, false) };
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        if size == 0 {
            return (body, true);
        }
        let Some(chunk) = rest.get(line + 2..line + 2 + size) else { return (body, false) };
        body.extend_from_slice(chunk);
        rest = &rest[(line + 4 + size).min(rest.len())..];
    }
}

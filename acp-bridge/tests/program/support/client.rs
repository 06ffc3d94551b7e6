//! A client of a bridge over a blocking WebSocket.

use std::collections::VecDeque;
use std::io::Read;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

use super::DEADLINE;
use super::json_rpc::{JsonRpc, Wire};

pub type Client = JsonRpc<Socket>;

pub struct Socket {
    socket: WebSocket<TcpStream>,
    /// The last message as it stood on the wire.
    pub last_raw: String,
}

impl Wire for Socket {
    fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).expect("send");
    }

    fn receive(&mut self, limit: Duration) -> Option<Value> {
        let deadline = Instant::now() + limit;
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    self.last_raw = text.as_str().to_owned();
                    return Some(acp_types::json::from_str(&self.last_raw).unwrap_or_else(|e| panic!("{text}: {e}")));
                }
                Ok(_) => {}
                Err(tokio_tungstenite::tungstenite::Error::Io(e))
                    if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
                {
                    if Instant::now() >= deadline {
                        return None;
                    }
                }
                Err(e) => panic!("the connection ended: {e}"),
            }
        }
    }
}

/// Leaves without a word, and loses nothing of what was sent: a socket closed with unread bytes is reset, and a reset
/// takes from the other side what it has not read yet.
impl Drop for Socket {
    fn drop(&mut self) {
        let stream = self.socket.get_mut();
        let deadline = Instant::now() + DEADLINE;
        let mut rest = [0; 64 * 1024];
        if std::thread::panicking() || stream.shutdown(Shutdown::Write).is_err() {
            return;
        }
        while Instant::now() < deadline {
            match stream.read(&mut rest) {
                Ok(0) => return,
                Ok(_) => {}
                Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
                Err(_) => return,
            }
        }
    }
}

impl Client {
    pub fn connect(address: &str) -> Self {
        Self::connect_to(address, "/acp")
    }

    pub fn connect_to(address: &str, path: &str) -> Self {
        let stream = TcpStream::connect(address).expect("connect to the bridge");
        stream.set_read_timeout(Some(DEADLINE)).expect("set a read timeout");
        stream.set_nodelay(true).expect("no delay");
        let (socket, _) = client(format!("ws://{address}{path}"), stream).expect("a WebSocket handshake");
        // From here on a read that finds nothing is tried again until the deadline of what is waited for.
        socket.get_ref().set_read_timeout(Some(Duration::from_millis(100))).expect("set a read timeout");
        Self::over(Socket { socket, last_raw: String::new() })
    }

    pub fn initialize(&mut self) -> Value {
        self.call(
            "initialize",
            &json!({ "protocolVersion": 1, "clientCapabilities": {}, "clientInfo": { "name": "test", "version": "1" } }),
        )
    }

    pub fn send_binary(&mut self, bytes: &[u8]) {
        self.wire.socket.send(Message::binary(bytes.to_vec())).expect("send");
    }

    /// Waits until so many bytes have come, and leaves them unread.
    pub fn await_unread(&mut self, bytes: usize) {
        let deadline = Instant::now() + DEADLINE;
        let mut seen = vec![0; bytes];
        while self.wire.socket.get_ref().peek(&mut seen).ok() != Some(bytes) {
            assert!(Instant::now() < deadline, "{bytes} bytes did not come before the deadline");
        }
    }

    /// Reads until the other side closes: the messages that came, and the close frame's code and reason.
    pub fn closed(&mut self) -> (Vec<Value>, u16, String) {
        let (mut messages, deadline) = (Vec::new(), Instant::now() + DEADLINE);
        while Instant::now() < deadline {
            match self.wire.socket.read() {
                Ok(Message::Text(text)) => messages.push(serde_json::from_str(&text).expect("JSON")),
                Ok(Message::Close(Some(frame))) => return (messages, frame.code.into(), frame.reason.to_string()),
                Ok(_) => {}
                Err(tokio_tungstenite::tungstenite::Error::Io(e))
                    if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
                Err(e) => panic!("no close frame but {e}"),
            }
        }
        panic!("not closed before the deadline");
    }

    /// The same for the agent of a lane.
    pub fn prompt_lane(&mut self, session: &str, lane: &str, text: &str) -> u64 {
        let prompt = json!([{ "type": "text", "text": text }]);
        let meta = json!({ "acp-bridge": { "lane": lane } });
        self.request("session/prompt", &json!({ "sessionId": session, "prompt": prompt, "_meta": meta }))
    }

    pub fn prompt_with_key(&mut self, session: &str, text: &str, key: &str) -> u64 {
        self.request(
            "session/prompt",
            &json!({ "sessionId": session, "prompt": [{ "type": "text", "text": text }], "_meta": { "acp-bridge": { "key": key } } }),
        )
    }

    /// The next `session/update` notification.
    pub fn update(&mut self) -> Value {
        self.wait_for("update", |m| m["method"] == "session/update")
    }

    /// The next agent message chunk: its seq and text.
    pub fn chunk(&mut self) -> (u64, String) {
        let message = self.wait_for("chunk", |m| kind(m) == Some("agent_message_chunk"));
        seq_and_text(&message)
    }

    /// Waits for a prompt's answer and returns it with the agent's chunks that came before: seq and text.
    pub fn turn(&mut self, id: u64) -> (Value, Vec<(u64, String)>) {
        let answer = self.answer(id);
        (answer, self.chunks())
    }

    /// The agent's chunks that have been read and not been taken yet.
    pub fn chunks(&mut self) -> Vec<(u64, String)> {
        let (chunks, rest) = self.kept.drain(..).partition(|m| kind(m) == Some("agent_message_chunk"));
        self.kept = rest;
        let chunks: VecDeque<Value> = chunks;
        chunks.iter().map(seq_and_text).collect()
    }

    /// Attaches from a cursor; everything up to `caught_up` stays to be read.
    pub fn resume(&mut self, session: &str, after: Option<u64>) -> Value {
        let mut params = json!({ "sessionId": session, "cwd": "/", "mcpServers": [] });
        if let Some(after) = after {
            params["_meta"] = json!({ "acp-bridge": { "after": after } });
        }
        self.call("session/resume", &params)
    }

    pub fn load(&mut self, session: &str) -> Value {
        self.call("session/load", &json!({ "sessionId": session, "cwd": "/", "mcpServers": [] }))
    }

    pub fn caught_up(&mut self) -> u64 {
        let message = self.wait_for("caught_up", |m| m["method"] == "_acp-bridge/caught_up");
        message["params"]["seq"].as_u64().expect("a seq")
    }

    /// The next `_acp-bridge/turn_ended`.
    pub fn turn_ended(&mut self) -> Value {
        self.wait_for("turn_ended", |m| m["method"] == "_acp-bridge/turn_ended")["params"].clone()
    }

    pub fn cancel(&mut self, session: &str) {
        self.notify("session/cancel", &json!({ "sessionId": session }));
    }
}

pub fn kind(message: &Value) -> Option<&str> {
    message["params"]["update"]["sessionUpdate"].as_str()
}

fn seq_and_text(message: &Value) -> (u64, String) {
    let seq = message["params"]["_meta"]["acp-bridge"]["seq"].as_u64().expect("a seq");
    (seq, message["params"]["update"]["content"]["text"].as_str().unwrap_or_default().to_owned())
}

/// The texts of chunks in one string.
pub fn text(chunks: &[(u64, String)]) -> String {
    chunks.iter().map(|(_, text)| text.as_str()).collect()
}

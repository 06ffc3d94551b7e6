//! One end of a conversation in JSON-RPC, over whatever carries its messages. Every wait has a deadline.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::DEADLINE;

/// What carries messages.
pub trait Wire {
    fn send_text(&mut self, text: &str);

    /// The next message, or `None` when nothing came in that time. A connection that has ended fails the test.
    fn receive(&mut self, limit: Duration) -> Option<Value>;
}

/// Requests by id, and messages in the order in which a test asks for them.
pub struct JsonRpc<W> {
    pub wire: W,
    next_id: u64,
    /// Messages that were read while something else was waited for.
    pub(super) kept: VecDeque<Value>,
}

impl<W: Wire> JsonRpc<W> {
    pub fn over(wire: W) -> Self {
        Self { wire, next_id: 0, kept: VecDeque::new() }
    }

    pub fn send_text(&mut self, text: &str) {
        self.wire.send_text(text);
    }

    pub fn notify(&mut self, method: &str, params: &Value) {
        self.send_text(&json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string());
    }

    /// Sends a request and returns its id.
    pub fn request(&mut self, method: &str, params: &Value) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        self.send_text(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string());
        id
    }

    pub fn respond(&mut self, id: &Value, result: &Value) {
        self.send_text(&json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string());
    }

    /// The next message of the wire, or `None` at the deadline.
    pub fn read(&mut self, limit: Duration) -> Option<Value> {
        self.wire.receive(limit)
    }

    /// The next message, kept ones first.
    pub fn next(&mut self) -> Value {
        if let Some(message) = self.kept.pop_front() {
            return message;
        }
        self.read(DEADLINE).expect("a message before the deadline")
    }

    /// The first message that fits; the others are kept in order.
    pub fn wait_for(&mut self, what: &str, mut fits: impl FnMut(&Value) -> bool) -> Value {
        if let Some(at) = self.kept.iter().position(&mut fits) {
            return self.kept.remove(at).expect("just found");
        }
        let deadline = Instant::now() + DEADLINE;
        while Instant::now() < deadline {
            if let Some(message) = self.read(Duration::from_millis(200)) {
                if fits(&message) {
                    return message;
                }
                self.kept.push_back(message);
            }
        }
        panic!("no {what} before the deadline; got {:?}", self.kept);
    }

    /// Messages that were read and not asked for yet.
    pub fn kept(&self) -> impl Iterator<Item = &Value> {
        self.kept.iter()
    }

    /// The whole answer to a request.
    pub fn answer(&mut self, id: u64) -> Value {
        self.wait_for(&format!("answer {id}"), |m| m["id"] == json!(id) && m["method"].is_null())
    }

    /// The result of a request; panics on an error.
    pub fn call(&mut self, method: &str, params: &Value) -> Value {
        let id = self.request(method, params);
        let answer = self.answer(id);
        assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        answer["result"].clone()
    }

    /// The error of a request; panics on a result.
    pub fn refused(&mut self, method: &str, params: &Value) -> Value {
        let id = self.request(method, params);
        let answer = self.answer(id);
        assert!(answer["result"].is_null(), "{method}: {}", answer["result"]);
        answer["error"].clone()
    }

    pub fn new_session(&mut self) -> String {
        let result = self.call("session/new", &json!({ "cwd": "/", "mcpServers": [] }));
        result["sessionId"].as_str().expect("a session id").to_owned()
    }

    /// Sends a prompt; its request id.
    pub fn prompt(&mut self, session: &str, text: &str) -> u64 {
        self.request("session/prompt", &json!({ "sessionId": session, "prompt": [{ "type": "text", "text": text }] }))
    }
}

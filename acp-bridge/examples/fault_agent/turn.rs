//! A prompt and its turn: the first word says what is done.

mod asks;
mod children;
mod faults;
mod streams;

use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use serde_json::{Value, json};

use crate::agent::Agent;
use crate::wire::{answer, say, send};

/// How a turn ends: a stop reason, or an error.
type Ended = Result<&'static str, Value>;

/// A prompt: its first word says what is to be done.
struct Said<'a> {
    id: &'a Value,
    session: &'a Value,
    word: &'a str,
    rest: &'a str,
}

impl Said<'_> {
    /// The first number behind the word.
    fn number(&self, default: u64) -> u64 {
        self.rest.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(default)
    }
}

impl Agent {
    pub(crate) fn prompt(&mut self, id: &Value, params: &Value) {
        self.cancelled = false;
        self.working = true;
        let session = &params["sessionId"];
        let text = params["prompt"][0]["text"].as_str().unwrap_or_default().to_owned();
        let ended = self.turn(id, session, &text);
        self.working = false;
        match ended {
            Ok(reason) => answer(id, &json!({ "stopReason": reason, "_future": [1e2, 30] })),
            Err(error) => send(&json!({ "jsonrpc": "2.0", "id": id, "error": error })),
        }
    }

    fn turn(&mut self, id: &Value, session: &Value, text: &str) -> Ended {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let said = Said { id, session, word, rest };
        let ended = self
            .streams(&said)
            .or_else(|| self.asks(&said))
            .or_else(|| self.children(&said))
            .or_else(|| faults::faults(&said));
        ended.unwrap_or_else(|| {
            say(session, rest);
            Ok("end_turn")
        })
    }

    /// Waits, and takes what comes meanwhile; whether the turn was cancelled.
    fn pause(&mut self, time: Duration) -> bool {
        match self.lines.recv_timeout(time) {
            Ok(message) if message["method"] == "session/cancel" => self.cancelled = true,
            Ok(message) => self.handle(&message),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => std::process::exit(0),
        }
        self.cancelled
    }

    /// Sends a request and waits for its answer; a cancel meanwhile is remembered.
    fn request(&mut self, method: &str, params: &Value) -> Value {
        self.asked += 1;
        let id = json!(format!("ask-{}", self.asked));
        send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let Ok(message) = self.lines.recv() else { std::process::exit(0) };
            if message["id"] == id && message["method"].is_null() {
                return if message["error"].is_null() { message["result"].clone() } else { message["error"].clone() };
            }
            if message["method"] == "session/cancel" {
                self.cancelled = true;
            }
        }
    }
}

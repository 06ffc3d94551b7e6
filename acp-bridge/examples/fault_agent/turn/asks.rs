//! Words that make it ask the client, or say what it knows.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Ended, Said};
use crate::agent::Agent;
use crate::wire::{LINES, mib, say, send};

impl Agent {
    /// Asks, or tells what it was told. `None` for any other word.
    pub(super) fn asks(&mut self, said: &Said<'_>) -> Option<Ended> {
        let Said { id, session, rest, .. } = *said;
        match said.word {
            // Asks for permission, for a tool of the kind that is named, and says what was chosen.
            "ask" => {
                let mut tool = json!({ "toolCallId": "c1", "title": "Run it", "_future": 1 });
                if !rest.is_empty() {
                    tool["kind"] = json!(rest);
                }
                let outcome = self.request(
                    "session/request_permission",
                    &json!({
                        "sessionId": session,
                        "toolCall": tool,
                        "options": [
                            { "optionId": "yes", "name": "Yes", "kind": "allow_once" },
                            { "optionId": "no", "name": "No", "kind": "reject_once" },
                        ],
                    }),
                );
                say(session, &format!("chosen {outcome}"));
                if self.cancelled {
                    return Some(Ok("cancelled"));
                }
            }
            // Says something, waits MS, and asks for permission.
            "late" => {
                say(session, "soon ");
                if self.pause(Duration::from_millis(said.number(100))) {
                    return Some(Ok("cancelled"));
                }
                return Some(self.turn(id, session, "ask"));
            }
            // Asks the client something that is not in ACP; also an elicitation and a file.
            "ext" => {
                let answer = self.request("_ask/colour", &json!({ "sessionId": session, "n": 1 }));
                say(session, &format!("answered {answer}"));
            }
            "elicit" => {
                let answer = self.request("elicitation/create", &json!({ "sessionId": session, "mode": "form", "message": "Name?", "requestedSchema": { "type": "object", "properties": {} } }));
                say(session, &format!("answered {answer}"));
            }
            "file" => {
                let answer = self.request("fs/read_text_file", &json!({ "sessionId": session, "path": "/x" }));
                say(session, &format!("answered {answer}"));
            }
            "notify" => {
                send(&json!({ "jsonrpc": "2.0", "method": "_news", "params": { "sessionId": session, "n": 1 } }))
            }
            // Asks with a method and params, and says the answer.
            "request" => {
                let (method, params) = rest.split_once(' ').unwrap_or((rest, "{}"));
                let params = params.replace("SESSION", &session.to_string());
                let answer = self.request(method, &serde_json::from_str(&params).unwrap_or(Value::Null));
                say(session, &format!("answered {answer}"));
            }
            "huge-ask" => {
                let tool = json!({ "toolCallId": "c1", "title": "x".repeat(mib(said.number(17))) });
                let params = json!({ "sessionId": session, "toolCall": tool, "options": [] });
                let outcome = self.request("session/request_permission", &params);
                say(session, &format!("chosen {outcome}"));
            }
            // The value of a variable of its environment.
            "variable" => say(session, &std::env::var(rest).unwrap_or_else(|_| format!("{rest} is not set"))),
            "told" => say(session, &self.told.to_string()),
            "settings" => {
                let settings = json!({ "mode": self.mode, "options": self.options, "set": self.set });
                say(session, &settings.to_string());
            }
            "pid" => say(session, &std::process::id().to_string()),
            "lines" => say(session, &LINES.load(Ordering::Relaxed).to_string()),
            _ => return None,
        }
        Some(Ok("end_turn"))
    }
}

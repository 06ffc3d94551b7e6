//! Words that make it work in child sessions, with ids of its own: the word behind names the child.

use serde_json::{Value, json};

use super::{Ended, Said};
use crate::agent::Agent;
use crate::wire::{say, update};

impl Agent {
    /// Works in a child session. `None` for any other word.
    pub(super) fn children(&mut self, said: &Said<'_>) -> Option<Ended> {
        let (session, child) = (said.session, json!(said.rest.split(' ').next().unwrap_or_default()));
        match said.word {
            // Announces it, says something in it, and refers to it.
            "child" => {
                begin(session, &child);
                let message = json!({ "sessionUpdate": "session_message", "messageId": "task",
                    "senderSessionId": session, "recipientSessionId": child });
                update(&child, &message);
                for part in ["look ", "at ", "it"] {
                    let content = json!({ "type": "text", "text": part });
                    let chunk =
                        json!({ "sessionUpdate": "session_message_chunk", "messageId": "task", "content": content });
                    update(&child, &chunk);
                }
                say(&child, "child works");
                end(session, &child, "end_turn");
                let content = json!([{ "type": "session", "sessionId": child },
                    { "type": "content", "content": { "type": "text", "text": "done" } }]);
                let call = json!({ "sessionUpdate": "tool_call", "toolCallId": "task", "title": "Task",
                    "status": "completed", "content": content });
                update(session, &call);
            }
            // Asks for permission in it, and says there what was chosen.
            "child-ask" => {
                begin(session, &child);
                let options = json!([{ "optionId": "yes", "name": "Yes", "kind": "allow_once" }]);
                let params = json!({ "sessionId": child, "toolCall": { "toolCallId": "c1" }, "options": options });
                let outcome = self.request("session/request_permission", &params);
                say(&child, &format!("chosen {outcome}"));
                end(session, &child, "end_turn");
            }
            // Works until it, or all, is cancelled; `child-deaf` is not.
            "child-wait" | "child-deaf" => {
                begin(session, &child);
                say(&child, "child waits");
                let stopped = self.is_cancelled(said.word == "child-deaf");
                end(session, &child, "cancelled");
                if stopped == *session {
                    return Some(Ok("cancelled"));
                }
                say(session, "child stopped");
            }
            // Asks for a file in it.
            "child-file" => {
                begin(session, &child);
                let path = said.rest.split(' ').nth(1).unwrap_or("/x");
                let answer = self.request("fs/read_text_file", &json!({ "sessionId": child, "path": path }));
                say(&child, &format!("answered {answer}"));
                end(session, &child, "end_turn");
            }
            // Goes on in one that was announced before.
            "child-again" => {
                say_state(session, &child, &json!({ "state": "running" }));
                say(&child, "child again");
                end(session, &child, "end_turn");
            }
            _ => return None,
        }
        Some(Ok("end_turn"))
    }

    /// Waits until something is cancelled; the session.
    fn is_cancelled(&mut self, deaf: bool) -> Value {
        loop {
            let Ok(message) = self.lines.recv() else { std::process::exit(0) };
            if message["method"] != "session/cancel" {
                self.handle(&message);
            } else if !deaf {
                return message["params"]["sessionId"].clone();
            }
        }
    }
}

fn begin(session: &Value, child: &Value) {
    let announced = json!({ "sessionUpdate": "subagent_update", "sessionId": child, "title": "Child",
        "state": { "state": "running" }, "capabilities": { "cancel": {} }, "_future": 1e2 });
    update(session, &announced);
}

fn end(session: &Value, child: &Value, reason: &str) {
    say_state(session, child, &json!({ "state": "idle", "stopReason": reason }));
}

fn say_state(session: &Value, child: &Value, state: &Value) {
    update(session, &json!({ "sessionUpdate": "subagent_update", "sessionId": child, "state": state }));
}

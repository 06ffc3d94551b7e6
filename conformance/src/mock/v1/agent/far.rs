//! Turns of the agent behind a bridge, so that the suite sees what came to the far end and what came back.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::course::{TurnCourse, TurnStep};
use super::session::Session;
use super::state::Agent;
use crate::mock::answers::{RpcAnswer, error, lock};
use crate::prompts::{self, far};

/// Messages of the client that are kept, the newest.
const MAX_GOT: usize = 64;
/// Limit for the answer to one of several questions, so that the agent can report the others.
const ANSWER: Duration = Duration::from_secs(20);
/// The longest that is kept, in bytes; of a longer one only the method is.
const MAX_KEPT: usize = 16 * 1024;

impl Agent {
    /// Keeps what the client sent.
    pub(super) fn got(&self, line: &str, message: &Value) {
        let mut got = lock(&self.got);
        if got.len() >= MAX_GOT {
            got.remove(0);
        }
        let short = json!({ "method": message["method"], "bytes": line.len() });
        got.push(if line.len() > MAX_KEPT { short } else { message.clone() });
    }

    /// The client takes a prompt back: one that waits ends.
    pub(super) fn taken_back(&self, params: &Value) {
        let of = |message: &&Value| message["method"] == "session/prompt" && message["id"] == params["requestId"];
        let prompt = lock(&self.got).iter().rev().find(of).map(|message| message["params"].clone());
        if let Some(prompt) = prompt.filter(|prompt| prompt["prompt"][0]["text"] == far::WAIT) {
            self.cancel(&prompt);
        }
    }

    /// A turn of a prompt that only this file knows.
    pub(super) async fn far(&self, session: &str, text: &str, stop: &mut oneshot::Receiver<()>) -> Option<TurnStep> {
        let on = |said: Result<(), Value>| said.map(|()| TurnCourse::On);
        if let Some(code) = text.strip_prefix(far::FAIL) {
            return Some(Err(far::failure(code.parse().unwrap_or_default())));
        }
        if let Some(count) = text.strip_prefix(prompts::NUMBERED).and_then(|count| count.parse::<u64>().ok()) {
            return Some(on(self.tell_all(session, (1..=count).map(|number| format!("{number}\n"))).await));
        }
        Some(match text {
            far::ECHO => {
                let got = lock(&self.got).clone();
                on(self.report(session, &json!({ "pid": std::process::id(), "got": got }).to_string()).await)
            }
            far::NUMBERS => on(self.tell_all(session, (1..=far::COUNT).map(|number| format!("{number}\n"))).await),
            far::FLOOD => on(self.tell_all(session, (1..=far::PIECES).map(far::piece)).await),
            far::LARGE => on(self.report(session, &far::large()).await),
            far::RICH => on(self.rich(session).await),
            far::WAIT => match self.report(session, "waiting").await {
                Ok(()) => {
                    // A sender that is gone stops as well.
                    let _ = stop.await;
                    Ok(TurnCourse::Stopped)
                }
                Err(error) => Err(error),
            },
            far::DEAF => match self.report(session, "waiting").await {
                Ok(()) => std::future::pending().await,
                Err(error) => Err(error),
            },
            far::RAW => {
                let session = serde_json::Value::from(session);
                let update = r#""sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"raw"}"#;
                let raw = far::RAW_FRAGMENT;
                let line = format!(
                    "{{\"jsonrpc\":\"2.0\",\"method\":\"session/update\",\"params\":{{\"sessionId\":{session},\"update\":{{{update},{raw}}}}}}}\n"
                );
                on(self.raw(line.as_bytes()).await.map_err(|_| gone()))
            }
            far::WITHDRAW => self.withdraw(session, stop).await,
            far::ASK_ALIKE => self.ask_alike(session).await,
            far::SERVICES => self.services(session).await,
            far::DIE | far::FORGET => {
                if text == far::FORGET {
                    self.store.with(|all| all.get_mut(session).map(Session::forget));
                }
                self.died.notify_one();
                std::future::pending().await
            }
            _ => return None,
        })
    }

    /// Says something that no load will replay.
    async fn report(&self, session: &str, text: &str) -> Result<(), Value> {
        let content = json!({ "type": "text", "text": text });
        let update = json!({ "sessionUpdate": "agent_message_chunk", "content": content });
        self.update(session, update).await.map_err(|_| gone())
    }

    async fn tell_all(&self, session: &str, texts: impl Iterator<Item = String>) -> Result<(), Value> {
        for text in texts {
            self.report(session, &text).await?;
        }
        Ok(())
    }

    async fn rich(&self, session: &str) -> Result<(), Value> {
        let (meta, more) = (json!({ "conformance": far::rich() }), far::rich());
        let content = json!({ "type": "text", "text": "rich", "_meta": meta, "conformanceUnknown": more });
        let known = json!({ "sessionUpdate": "agent_message_chunk", "content": content, "_meta": meta, "conformanceUnknown": more });
        let unknown = json!({ "sessionUpdate": far::UNKNOWN_KIND, "conformanceUnknown": more });
        for update in [known, unknown] {
            let params = json!({ "sessionId": session, "update": update, "_meta": meta, "conformanceUnknown": more });
            let message = json!({ "jsonrpc": "2.0", "method": "session/update", "params": params });
            self.send(&message).await.map_err(|_| gone())?;
        }
        let params = json!({ "sessionId": session, "rich": more });
        let message = json!({ "jsonrpc": "2.0", "method": far::NEWS_METHOD, "params": params });
        self.send(&message).await.map_err(|_| gone())
    }

    async fn withdraw(&self, session: &str, stop: &mut oneshot::Receiver<()>) -> TurnStep {
        let call = json!({ "toolCallId": "withdrawn", "title": "Withdrawn" });
        let option = json!({ "optionId": "yes", "name": "Yes", "kind": "allow_once" });
        let params = json!({ "sessionId": session, "toolCall": call, "options": [option] });
        let asked = self.open("session/request_permission", params).await.map_err(|_| gone())?;
        let Some((id, answer)) = asked else { return Err(error(-32603, "too much is asked already")) };
        let params = json!({ "requestId": id });
        let message = json!({ "jsonrpc": "2.0", "method": "$/cancel_request", "params": params });
        self.send(&message).await.map_err(|_| gone())?;
        tokio::select! {
            biased;
            _ = stop => Ok(TurnCourse::Stopped),
            _ = answer => Ok(TurnCourse::On),
        }
    }

    async fn ask_alike(&self, session: &str) -> TurnStep {
        let mut answers = Vec::new();
        for (name, id) in [("number", json!(far::ALIKE)), ("text", json!(far::ALIKE.to_string()))] {
            let call = json!({ "toolCallId": name, "title": name });
            let option = json!({ "optionId": name, "name": name, "kind": "allow_once" });
            let params = json!({ "sessionId": session, "toolCall": call, "options": [option] });
            let asked = self.open_as(id, "session/request_permission", params).await.map_err(|_| gone())?;
            answers.extend(asked);
        }
        let mut chosen = Vec::new();
        for answer in answers {
            // A sender that is gone has no answer.
            let answer = tokio::time::timeout(ANSWER, answer).await;
            let outcome = answer.ok().and_then(Result::ok).and_then(Result::ok).unwrap_or_default();
            chosen.push(outcome["outcome"]["optionId"].clone());
        }
        self.report(session, &json!(chosen).to_string()).await.map(|()| TurnCourse::On)
    }

    async fn services(&self, session: &str) -> TurnStep {
        let claimed = {
            let got = lock(&self.got);
            let first = got.iter().find(|message| message["method"] == "initialize");
            first.map(|message| message["params"]["clientCapabilities"].clone()).unwrap_or_default()
        };
        let cwd = self.store.get(session).map(|session| session.cwd).unwrap_or_default();
        let mut answers = json!({});
        if claimed["fs"]["readTextFile"] == true {
            let params = json!({ "sessionId": session, "path": Path::new(&cwd).join(prompts::INPUT) });
            answers["read"] = shown(self.ask("fs/read_text_file", params).await.map_err(|_| gone())?);
        }
        if claimed["terminal"] == true {
            let params = json!({ "sessionId": session, "command": "true", "args": [] });
            let created = self.ask("terminal/create", params).await.map_err(|_| gone())?;
            if let Some(Ok(result)) = &created {
                let params = json!({ "sessionId": session, "terminalId": result["terminalId"] });
                let _ = self.ask("terminal/release", params).await.map_err(|_| gone())?;
            }
            answers["terminal"] = shown(created);
        }
        self.report(session, &answers.to_string()).await.map(|()| TurnCourse::On)
    }
}

fn gone() -> Value {
    error(-32603, "the client is gone")
}

fn shown(outcome: Option<RpcAnswer>) -> Value {
    match outcome {
        Some(Ok(result)) => json!({ "result": result }),
        Some(Err(error)) => json!({ "error": error }),
        None => Value::Null,
    }
}

/// The result of a [`far::RICH`] turn.
pub(super) fn rich_result() -> Value {
    json!({ "stopReason": "end_turn", "_meta": { "conformance": far::rich() }, "conformanceUnknown": far::rich() })
}

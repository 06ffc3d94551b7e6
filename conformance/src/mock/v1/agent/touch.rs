//! A tool that asks first.

use std::path::Path;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::course::{TurnCourse, TurnStep};
use super::state::Agent;
use crate::mock::answers::error;
use crate::prompts;

impl Agent {
    pub(super) async fn touch(&self, session: &str, stop: &mut oneshot::Receiver<()>) -> TurnStep {
        let id = Self::id("touch");
        let call = json!({ "sessionUpdate": "tool_call", "toolCallId": id, "title": "Touch a file", "kind": "execute", "status": "pending" });
        self.say(session, call).await?;
        let mut options = json!([
            { "optionId": "yes", "name": "Yes", "kind": "allow_once" },
            { "optionId": "always", "name": "Always", "kind": "allow_always" },
            { "optionId": "no", "name": "No", "kind": "reject_once" },
        ]);
        if self.breaks.has("PERM-03") {
            options[1]["kind"] = json!("allow_forever");
        }
        if self.breaks.has("PERM-04") {
            options[1]["optionId"] = json!("yes");
        }
        let mut params = json!({ "sessionId": session, "toolCall": { "toolCallId": id }, "options": options });
        if self.breaks.has("PERM-02") {
            params["toolCall"] = json!({});
        }
        let asked = self.ask("session/request_permission", params);
        let answer = tokio::select! {
            biased;
            _ = &mut *stop => None,
            answer = asked => answer.map_err(|_| error(-32603, "the client is gone"))?,
        };
        // The two may come while this is looking from one to the other; what stops the turn was read first.
        let answer = answer.filter(|_| stop.try_recv().is_err());
        let stopped = answer.is_none();
        if stopped {
            self.take_back().await?;
        }
        let allowed = match &answer {
            Some(Ok(answer)) => {
                let chosen = answer["outcome"]["optionId"].as_str().unwrap_or_default();
                match chosen {
                    "yes" | "always" => !self.breaks.has("PERM-08"),
                    "no" => self.breaks.has("PERM-07"),
                    "" => self.breaks.has("PERM-09"),
                    _ => self.breaks.has("PERM-11"),
                }
            }
            Some(Err(error)) if error["code"] == 4711 => self.breaks.has("ERR-02"),
            Some(Err(_)) => self.breaks.has("PERM-10"),
            None => self.breaks.has("CANCEL-13"),
        };
        if allowed {
            let cwd = self.store.get(session).map(|session| session.cwd).unwrap_or_default();
            if !self.breaks.has("PROMPT-12") {
                let running = json!({ "sessionUpdate": "tool_call_update", "toolCallId": id, "status": "in_progress" });
                self.say(session, running).await?;
            }
            if !self.breaks.has("SESS-05") {
                std::fs::write(Path::new(&cwd).join(prompts::MARKER), "").map_err(|e| error(-32603, &e.to_string()))?;
            }
            if self.breaks.has("PROMPT-13") {
                return Ok(TurnCourse::On);
            }
        }
        let status = if allowed { "completed" } else { "failed" };
        self.say(session, json!({ "sessionUpdate": "tool_call_update", "toolCallId": id, "status": status })).await?;
        Ok(if stopped { TurnCourse::Stopped } else { TurnCourse::On })
    }

    /// Takes its newest question back; it may just have been answered.
    async fn take_back(&self) -> Result<(), Value> {
        let open = self.latest.load(Ordering::Relaxed);
        let id = match () {
            () if self.breaks.has("CANCEL-20") => json!({ "id": open }),
            () if self.breaks.has("CANCEL-21") => json!(open + 1000),
            () => json!(open),
        };
        let message = json!({ "jsonrpc": "2.0", "method": "$/cancel_request", "params": { "requestId": id } });
        self.send(&message).await.map_err(|_| error(-32603, "the client is gone"))
    }
}

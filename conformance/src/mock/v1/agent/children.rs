//! Turns that delegate to a subagent, which clients that take child sessions see as one.

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::course::{TurnCourse, TurnStep};
use super::state::Agent;
use super::turn::PACE;
use crate::mock::answers::{error, lock};

/// Kinds of updates of a parent that only clients with child sessions know.
const OF_CHILDREN: &str = "subagent_update";

impl Agent {
    /// Has a subagent reply, or count until it is stopped.
    pub(super) async fn delegate(&self, session: &str, counts: bool, stop: &mut oneshot::Receiver<()>) -> TurnStep {
        let call = json!(Self::id("delegate"));
        let begun =
            json!({ "sessionUpdate": "tool_call", "toolCallId": call, "title": "Delegate", "status": "in_progress" });
        self.say(session, begun).await?;
        let mut course = TurnCourse::On;
        if self.client_has(&["subagents"]) || self.breaks.has("SUB-01") {
            course = self.child(session, &call, counts, stop).await?;
        }
        let ended = json!({ "sessionUpdate": "tool_call_update", "toolCallId": call, "status": "completed" });
        self.say(session, ended).await?;
        if matches!(course, TurnCourse::On) {
            self.chunk(session, &Self::id("message"), "The subagent is done.").await?;
        }
        Ok(course)
    }

    async fn child(&self, parent: &str, call: &Value, counts: bool, stop: &mut oneshot::Receiver<()>) -> TurnStep {
        let child = Self::id("child");
        let (sender, stopped) = oneshot::channel();
        lock(&self.children).insert(child.clone(), sender);
        if self.breaks.has("SUB-02") {
            self.child_says(parent, &child, "early").await?;
        }
        let cwd = self.store.get(parent).map(|session| session.cwd).unwrap_or_default();
        let announced = json!({
            "sessionUpdate": "subagent_update", "sessionId": child, "title": "Helper", "capabilities": { "cancel": {} },
            "cwd": if self.breaks.has("SUB-05") { "here" } else { &cwd },
            "state": { "state": if self.breaks.has("SUB-04") { "busy" } else { "running" } },
        });
        self.say(parent, announced).await?;
        if self.breaks.has("SUB-03") {
            let again = json!({ "sessionUpdate": "subagent_update", "sessionId": child, "title": "Mine" });
            self.say_in(parent, &child, again).await?;
        }
        let content = json!([{ "type": "session", "sessionId": child }]);
        self.say(parent, json!({ "sessionUpdate": "tool_call_update", "toolCallId": call, "content": content }))
            .await?;
        let order = json!({
            "sessionUpdate": "session_message", "messageId": Self::id("order"), "senderSessionId": parent,
            "recipientSessionId": child, "content": [{ "type": "text", "text": "Reply with the word OK." }],
        });
        self.say_in(parent, &child, order).await?;
        let (reason, course) = match counts {
            true => self.child_counts(parent, &child, stop, stopped).await?,
            false => {
                self.child_says(parent, &child, "OK").await?;
                ("end_turn", TurnCourse::On)
            }
        };
        lock(&self.children).remove(&child);
        let idle = json!({ "state": "idle", "stopReason": reason });
        self.say(parent, json!({ "sessionUpdate": "subagent_update", "sessionId": child, "state": idle })).await?;
        Ok(course)
    }

    /// Counts until it or its parent is stopped: why it ended, and what becomes of the parent's turn.
    async fn child_counts(
        &self,
        parent: &str,
        child: &str,
        stop: &mut oneshot::Receiver<()>,
        mut stopped: oneshot::Receiver<()>,
    ) -> Result<(&'static str, TurnCourse), Value> {
        let deaf = self.breaks.has("SUB-06");
        for number in 1..=1000 {
            self.child_says(parent, child, &format!("{number}\n")).await?;
            tokio::select! {
                biased;
                _ = &mut *stop => return Ok(("cancelled", TurnCourse::Stopped)),
                _ = &mut stopped, if !deaf => {
                    let course = if self.breaks.has("SUB-07") { TurnCourse::Stopped } else { TurnCourse::On };
                    return Ok(("cancelled", course));
                }
                () = tokio::time::sleep(PACE) => {}
            }
        }
        Ok(("end_turn", TurnCourse::On))
    }

    async fn child_says(&self, parent: &str, child: &str, text: &str) -> Result<(), Value> {
        let content = json!({ "type": "text", "text": text });
        let update =
            json!({ "sessionUpdate": "agent_message_chunk", "content": content, "messageId": format!("of-{child}") });
        self.say_in(parent, child, update).await
    }

    /// Says something in a child, and keeps it for a load of the parent.
    async fn say_in(&self, parent: &str, child: &str, update: Value) -> Result<(), Value> {
        self.store.say(parent, &json!({ "of": child, "update": update }));
        self.update(child, update).await.map_err(|_| error(-32603, "the client is gone"))
    }

    /// Replays what was said, as far as this client takes it.
    pub(super) async fn replay(&self, session: &str, said: Vec<Value>) -> std::io::Result<()> {
        let takes_children = self.client_has(&["subagents"]) && !self.breaks.has("SUB-08");
        for update in said {
            let refers = update["content"].as_array().is_some_and(|all| all.iter().any(|one| one["type"] == "session"));
            match update["of"].as_str() {
                Some(child) if takes_children => self.update(child, update["update"].clone()).await?,
                None if takes_children || !(refers || update["sessionUpdate"] == OF_CHILDREN) => {
                    self.update(session, update).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

//! Turns: what prompts tell the agent to do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::course::{TurnCourse, TurnStep};
use super::far;
use super::state::Agent;
use crate::mock::answers::{RpcAnswer, error, invalid, lock, no_session};
use crate::prompts;

/// Between two numbers of a turn that counts.
pub(super) const PACE: Duration = Duration::from_millis(5);

impl Agent {
    pub(super) async fn prompt(&self, params: &Value) -> RpcAnswer {
        let id = params["sessionId"].as_str().unwrap_or_default().to_owned();
        let Some(blocks) = params["prompt"].as_array() else { return Err(invalid("prompt")) };
        let texts = blocks.iter().filter(|block| block["type"] == "text").count();
        if blocks.iter().any(|block| !self.takes(block)) || (texts > 1 && self.breaks.has("CONTENT-01")) {
            return Err(invalid("a kind of content that is not taken"));
        }
        let (sender, mut stop) = oneshot::channel();
        {
            let mut here = lock(&self.here);
            match here.get_mut(&id) {
                None if self.breaks.has("ERR-06") => {}
                None => return Err(no_session(&id)),
                Some(running) => *running = Some(sender),
            }
        }
        let text: String = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
        self.heard(&id, &text);
        if self.breaks.has("PROMPT-16") && self.times_asked(&id, prompts::REPLY) > 2 {
            std::future::pending::<()>().await;
        }
        let stale = lock(&self.stale).take().is_some();
        let ended = if stale { Ok(TurnCourse::Stopped) } else { self.turn(&id, &text, &mut stop).await };
        if let Some(running) = lock(&self.here).get_mut(&id) {
            *running = None;
        }
        match ended {
            Ok(TurnCourse::On) if text == prompts::far::RICH => Ok(far::rich_result()),
            Ok(TurnCourse::On) if text.contains(prompts::REFUSE) => Ok(json!({ "stopReason": "refusal" })),
            Ok(TurnCourse::On) if self.breaks.has("PROMPT-04") => Ok(json!({ "stopReason": "done" })),
            Ok(TurnCourse::On) if self.breaks.has("PROMPT-03") && text == prompts::REPLY => Ok(json!({})),
            Ok(TurnCourse::On) => Ok(json!({ "stopReason": "end_turn" })),
            Ok(TurnCourse::Stopped) if self.breaks.has("CANCEL-06") => Ok(json!({ "stopReason": "end_turn" })),
            Ok(TurnCourse::Stopped) if self.breaks.has("CANCEL-07") => Err(error(-32800, "Request cancelled")),
            Ok(TurnCourse::Stopped) => Ok(json!({ "stopReason": "cancelled" })),
            Err(error) => Err(error),
        }
    }

    /// Returns whether a prompt may hold this.
    fn takes(&self, block: &Value) -> bool {
        let kind = block["type"].as_str().unwrap_or_default();
        let refused = [
            ("", "text"),
            ("CONTENT-02", "resource_link"),
            ("CONTENT-03", "image"),
            ("CONTENT-04", "audio"),
            ("CONTENT-05", "resource"),
        ];
        if self.breaks.has("CONTENT-12") && !block["annotations"].is_null() {
            return false;
        }
        let known = refused.iter().any(|(_, known)| *known == kind);
        known && !refused.iter().any(|(id, of)| self.breaks.has(id) && *of == kind)
    }

    pub(super) fn cancel(&self, params: &Value) {
        let id = params["sessionId"].as_str().unwrap_or_default();
        if let Some(child) = lock(&self.children).remove(id) {
            // It may just have ended.
            let _ = child.send(());
            return;
        }
        if self.breaks.has("CANCEL-11") {
            for stop in lock(&self.here).values_mut().filter_map(Option::take) {
                // Its turn may just have ended.
                let _ = stop.send(());
            }
        }
        let stop = lock(&self.here).get_mut(id).and_then(Option::take);
        match stop {
            // Its turn may just have ended.
            Some(stop) => drop(stop.send(())),
            None if self.breaks.has("CANCEL-10") => *lock(&self.stale) = Some(()),
            None => {}
        }
    }

    /// Number of times that the user has said exactly this.
    fn times_asked(&self, session: &str, text: &str) -> usize {
        let asked =
            |update: &&Value| update["sessionUpdate"] == "user_message_chunk" && update["content"]["text"] == text;
        self.store.with(|all| all.get(session).map_or(0, |session| session.said.iter().filter(asked).count()))
    }

    /// Says something, and keeps it for a load.
    pub(super) async fn say(&self, session: &str, update: Value) -> Result<(), Value> {
        self.remember(session, &update);
        let called = if self.breaks.has("PROMPT-07") { "another" } else { session };
        self.update(called, update).await.map_err(|_| error(-32603, "the client is gone"))
    }

    /// Keeps what the user says.
    fn heard(&self, session: &str, text: &str) {
        let content = json!({ "type": "text", "text": text });
        let mut update =
            json!({ "sessionUpdate": "user_message_chunk", "content": content, "messageId": Self::id("user") });
        if self.breaks.has("LOAD-06") {
            update["messageId"] = json!(self.shared(session, 1));
        }
        self.remember(session, &update);
    }

    /// The id that a prompt and its answer have where they should not have the same.
    fn shared(&self, session: &str, more: usize) -> String {
        let prompts = |update: &&Value| update["sessionUpdate"] == "user_message_chunk";
        let count = self.store.get(session).map_or(0, |session| session.said.iter().filter(prompts).count());
        format!("shared-{session}-{}", count + more)
    }

    fn remember(&self, session: &str, update: &Value) {
        self.store.say(session, update);
    }

    /// A part of a message.
    pub(super) async fn chunk(&self, session: &str, message: &str, text: &str) -> Result<(), Value> {
        let mut update = json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": text } });
        if !self.breaks.has("PROMPT-08") {
            update["messageId"] = json!(message);
        }
        if self.breaks.has("LOAD-06") {
            update["messageId"] = json!(self.shared(session, 0));
        }
        self.say(session, update).await
    }

    /// An id that nobody was given before, by another process that had the session neither.
    pub(super) fn id(of: &str) -> String {
        static GIVEN: AtomicU64 = AtomicU64::new(0);
        format!("{of}-{}-{}", std::process::id(), GIVEN.fetch_add(1, Ordering::Relaxed))
    }

    async fn turn(&self, session: &str, text: &str, stop: &mut oneshot::Receiver<()>) -> TurnStep {
        if text.contains(prompts::COUNT) {
            return self.count(session, stop).await;
        }
        if text.contains(prompts::TOUCH) {
            return self.touch(session, stop).await;
        }
        if text.contains(prompts::PLAN) && self.plans_have_ids() {
            return self.plan_by_id(session).await;
        }
        if text.contains(prompts::PLAN) {
            return self.plan(session).await;
        }
        if text == prompts::children::DELEGATE || text == prompts::children::DELEGATE_COUNT {
            return self.delegate(session, text == prompts::children::DELEGATE_COUNT, stop).await;
        }
        if text.contains(prompts::RECALL) {
            return self.recall(session).await;
        }
        if text.contains(prompts::REFUSE) && !self.breaks.has("PROMPT-17") {
            self.store.with(|all| all.get_mut(session).map(|session| session.said.pop()));
            return Ok(TurnCourse::On);
        }
        if let Some(step) = self.far(session, text, stop).await {
            return step;
        }
        if let Some(step) = self.service(session, text).await {
            return step;
        }
        if self.breaks.has("PROMPT-05") {
            return Ok(TurnCourse::On);
        }
        if text.contains(prompts::REPLY) {
            self.zoo(session).await?;
        }
        let message = Self::id("message");
        self.chunk(session, &message, &format!("OK: {text}")).await?;
        self.look_ahead(session, &message).await?;
        Ok(TurnCourse::On)
    }

    /// Says what the user said before.
    async fn recall(&self, session: &str) -> TurnStep {
        let said = self.store.get(session).map(|session| session.said).unwrap_or_default();
        let of_user = said.iter().filter(|update| update["sessionUpdate"] == "user_message_chunk");
        let texts: Vec<&str> = of_user.filter_map(|update| update["content"]["text"].as_str()).collect();
        let before = &texts[..texts.len().saturating_sub(1)];
        let text = if self.breaks.has("PROMPT-15") { "nothing".to_owned() } else { before.join("\n") };
        self.chunk(session, &Self::id("message"), &text).await?;
        Ok(TurnCourse::On)
    }

    async fn count(&self, session: &str, stop: &mut oneshot::Receiver<()>) -> TurnStep {
        let (id, message) = (json!(Self::id("count")), Self::id("message"));
        let call = json!({ "sessionUpdate": "tool_call", "toolCallId": id, "title": "Count", "status": "in_progress" });
        self.say(session, call).await?;
        for number in 1..=1000 {
            self.chunk(session, &message, &format!("{number}\n")).await?;
            tokio::select! {
                _ = &mut *stop => {
                    if self.breaks.has("CANCEL-05") {
                        std::future::pending::<()>().await;
                    }
                    if self.breaks.has("CANCEL-08") {
                        let content = json!({ "type": "text", "text": "one more" });
                        let update = json!({ "sessionUpdate": "agent_message_chunk", "content": content, "messageId": message });
                        let params = json!({ "sessionId": session, "update": update });
                        lock(&self.late).push(json!({ "jsonrpc": "2.0", "method": "session/update", "params": params }));
                    }
                    if self.breaks.has("CANCEL-12") {
                        lock(&self.here).remove(session);
                    }
                    let update = json!({ "sessionUpdate": "tool_call_update", "toolCallId": id, "status": "failed" });
                    self.say(session, update).await?;
                    return Ok(TurnCourse::Stopped);
                }
                () = tokio::time::sleep(PACE) => {}
            }
        }
        let update = json!({ "sessionUpdate": "tool_call_update", "toolCallId": id, "status": "completed" });
        self.say(session, update).await?;
        Ok(TurnCourse::On)
    }

    async fn plan(&self, session: &str) -> TurnStep {
        if self.breaks.has("PLAN-01") {
            return Ok(TurnCourse::On);
        }
        for done in [false, true] {
            let first = if done { "completed" } else { "in_progress" };
            let entry =
                |content: &str, status: &str| json!({ "content": content, "priority": "medium", "status": status });
            let mut entries = json!([entry("Look", first), entry("Leap", "pending"), entry("Land", "pending")]);
            if self.breaks.has("PLAN-02") {
                entries[1]["priority"] = json!("urgent");
            }
            if done && self.breaks.has("PLAN-03") {
                continue;
            }
            if done && self.breaks.has("PLAN-04") {
                entries = json!([entries[0]]);
            }
            self.say(session, json!({ "sessionUpdate": "plan", "entries": entries })).await?;
        }
        Ok(TurnCourse::On)
    }
}

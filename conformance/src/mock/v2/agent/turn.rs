//! Turns: a prompt is answered when it is accepted, and its work ends with an idle session.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::sessions::SKILL;
use super::state::Agent;
use crate::mock::answers::{RpcAnswer, invalid, lock, no_session};
use crate::prompts;

/// The most characters that a key may have.
const LONGEST_KEY: usize = 255;

/// Course of a turn: it goes on, or it was stopped.
#[derive(PartialEq, Eq)]
pub(super) enum TurnCourse {
    On,
    Stopped,
}

pub(super) type TurnStep = std::io::Result<TurnCourse>;

/// Signal that stops a turn.
pub(super) type Stop = oneshot::Receiver<()>;

impl Agent {
    pub(super) async fn prompt(self: &Arc<Self>, request: &Value, params: &Value) -> std::io::Result<()> {
        let (session, text) = match self.accepted(params) {
            Ok(accepted) => accepted,
            Err(error) => return self.answer(request, Err(error)).await,
        };
        let session = session.as_str();
        let message = self.id("message");
        if let Some(first) = self.sent_before(session, params, &message) {
            return self.answer(request, Ok(json!({ "messageId": first }))).await;
        }
        let (sender, mut stop) = oneshot::channel();
        if let Some(session) = lock(&self.sessions).get_mut(session) {
            session.stop = Some(sender);
            session.running.send_replace(true);
        }
        let accepted = || Ok(json!({ "messageId": message }));
        let late = self.breaks.has("V2-05") && text == prompts::COUNT;
        let told = if self.breaks.has("V2-06") { self.id("message") } else { message.clone() };
        let content = json!([{ "type": "text", "text": text }]);
        self.say(session, json!({ "sessionUpdate": "user_message", "messageId": told, "content": content })).await?;
        if !late {
            self.answer(request, accepted()).await?;
        }
        if !self.breaks.has("V2-07") {
            self.state(session, json!({ "state": "running" })).await?;
        }
        let way = self.work(session, &text, &mut stop).await?;
        let reason = match way {
            TurnCourse::Stopped if !self.breaks.has("V2-10") => "cancelled",
            _ => "end_turn",
        };
        let mut idle = json!({ "state": "idle", "stopReason": reason });
        if self.breaks.has("V2-08") && way == TurnCourse::On {
            idle = json!({ "state": "idle" });
        }
        self.state(session, idle).await?;
        if self.breaks.has("V2-10/a") && way == TurnCourse::Stopped {
            self.chunk(session, "late").await?;
        }
        if late {
            self.answer(request, accepted()).await?;
        }
        if let Some(session) = lock(&self.sessions).get_mut(session) {
            session.stop = None;
            session.running.send_replace(false);
        }
        Ok(())
    }

    /// The session and the text of a prompt that can be accepted.
    fn accepted(&self, params: &Value) -> Result<(String, String), Value> {
        let session = params["sessionId"].as_str().unwrap_or_default();
        if !self.is_active(session) {
            return Err(if self.breaks.has("V2-24/a") { invalid("sessionId") } else { no_session(session) });
        }
        let Some(blocks) = params["prompt"].as_array().filter(|blocks| !blocks.is_empty()) else {
            return Err(invalid("prompt"));
        };
        let links = !self.breaks.has("CONTENT-02");
        let skills = self.skills.load(Ordering::Relaxed);
        let skill = |block: &Value| block["name"] == SKILL || self.breaks.has("V2-35");
        let known = |block: &Value| match block["type"].as_str() {
            Some("text") => true,
            Some("resource_link") => links,
            Some("skill") => skills && skill(block),
            _ => false,
        };
        let key = &params["idempotencyKey"];
        let fits = key.as_str().is_some_and(|key| (1..=LONGEST_KEY).contains(&key.chars().count()));
        if !key.is_null() && !fits && !self.breaks.has("V2-29") {
            return Err(invalid("idempotencyKey"));
        }
        if !blocks.iter().all(known) {
            return Err(invalid("a kind of content that is not taken"));
        }
        Ok((session.to_owned(), blocks.iter().filter_map(|block| block["text"].as_str()).collect()))
    }

    /// The message that a prompt with this key made before; if there is none, it makes this one.
    fn sent_before(&self, session: &str, params: &Value, message: &str) -> Option<String> {
        let key = params["idempotencyKey"].as_str()?;
        let mut sessions = lock(&self.sessions);
        let keys = &mut sessions.get_mut(session)?.keys;
        let known = keys.get(key).cloned().filter(|_| !self.breaks.has("V2-28"));
        if known.is_none() {
            keys.insert(key.to_owned(), message.to_owned());
        }
        known
    }

    /// Ends the running turn of a session.
    pub(super) fn stop(&self, params: &Value) {
        let id = params["sessionId"].as_str().unwrap_or_default();
        if let Some(stop) = lock(&self.sessions).get_mut(id).and_then(|session| session.stop.take()) {
            // The turn may have ended.
            let _ = stop.send(());
        }
    }

    /// Ends a tool call that says that it can be ended.
    pub(super) fn cancel_call(&self, params: &Value) -> RpcAnswer {
        let id = params["sessionId"].as_str().unwrap_or_default();
        let mut sessions = lock(&self.sessions);
        let stoppable = sessions.get_mut(id).and_then(|session| session.stoppable.take());
        match stoppable {
            Some((call, stop)) if params["toolCallId"] == call && !self.breaks.has("V2-26/a") => {
                // The call may have ended.
                let _ = stop.send(());
                Ok(json!({}))
            }
            _ => Err(invalid("there is no such tool call, or it cannot be cancelled")),
        }
    }

    /// A piece of a message of the agent.
    pub(super) async fn chunk(&self, session: &str, text: &str) -> std::io::Result<()> {
        let content = json!({ "type": "text", "text": text });
        let mut chunk =
            json!({ "sessionUpdate": "agent_message_chunk", "messageId": "message-of-agent", "content": content });
        if self.breaks.has("V2-11") {
            chunk["messageId"] = Value::Null;
        }
        self.say(session, chunk).await
    }
}

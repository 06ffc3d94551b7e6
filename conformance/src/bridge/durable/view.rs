//! Helpers of the scenarios and checks of a durable bridge.

use std::time::Duration;

use serde_json::{Value, json};

use crate::core::history::{Body, Case, Message, brief};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Playing;

/// The bridge's own member of `_meta`.
pub(super) const OURS: &str = "acp-bridge";
/// Says that a turn ended to those who did not prompt.
pub(super) const TURN_ENDED: &str = "_acp-bridge/turn_ended";
/// Says that all records before have been shown.
pub(super) const CAUGHT_UP: &str = "_acp-bridge/caught_up";

/// Acts of two clients in one session.
type Together = for<'a> fn(&'a mut Probe, &'a mut Probe, &'a str) -> Playing<'a>;

/// Opens a session, and plays with a second client beside the one that opened it.
pub(super) async fn beside(probe: &mut Probe, play: Together) -> Result<(), Stop> {
    probe.begin().await?;
    let session = probe.session("session").await?;
    let mut other = probe.another();
    let played = play(probe, &mut other, &session).await;
    probe.absorb(other).await;
    played
}

/// Follows a session from behind the record `after`, or from now on.
pub(super) async fn resume(probe: &mut Probe, label: &str, session: &str, after: Option<u64>) -> Result<(), Stop> {
    match ask_resume(probe, label, session, after).await? {
        Ok(_) => Ok(()),
        Err(error) => Err(Stop::Refused(format!("session/resume was answered with {}", brief(&error)))),
    }
}

/// The same, whatever comes of it.
pub(super) async fn ask_resume(
    probe: &mut Probe,
    label: &str,
    session: &str,
    after: Option<u64>,
) -> Result<Result<Value, Value>, Stop> {
    let mut params = probe.new_session();
    params["sessionId"] = json!(session);
    if let Some(after) = after {
        params["_meta"] = json!({ OURS: { "after": after } });
    }
    probe.call(label, "session/resume", params).await
}

/// Waits for this method.
pub(super) async fn until(probe: &mut Probe, method: &str, limit: Duration) -> Result<Message, Stop> {
    probe.until(method, limit, |message| message.method() == Some(method)).await
}

/// Waits for something that the agent says.
pub(super) async fn until_said(probe: &mut Probe, text: &str) -> Result<Message, Stop> {
    let limit = probe.limits().turn;
    probe.until(text, limit, |m| super::super::seen::text(m).is_some_and(|said| said.contains(text))).await
}

/// The bridge's own `_meta` in a message's params or result.
pub(super) fn ours(message: &Message) -> &Value {
    match &message.body {
        Body::Notification { params, .. } | Body::Request { params, .. } => &params["_meta"][OURS],
        Body::Response { outcome: Ok(result), .. } => &result["_meta"][OURS],
        Body::Response { outcome: Err(error), .. } => &error["data"][OURS],
        Body::Junk { .. } => &Value::Null,
    }
}

/// The record that a message shows.
pub(super) fn seq(message: &Message) -> Option<u64> {
    ours(message)["seq"].as_u64()
}

/// Updates that a connection was shown between two places, exclusive, with their records.
pub(super) fn records<'c>(case: &'c Case<'_>, on: u32, from: usize, until: usize) -> Vec<(u64, &'c Message)> {
    let between = case.received().filter(|m| m.on == on && m.index > from && m.index < until && m.update().is_some());
    between.filter_map(|message| Some((seq(message)?, message))).collect()
}

/// Notifications of a method on a connection.
pub(super) fn told<'c>(case: &'c Case<'_>, on: u32, method: &str) -> Vec<&'c Message> {
    case.received().filter(|message| message.on == on && message.method() == Some(method)).collect()
}

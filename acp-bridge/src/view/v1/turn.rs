//! Ends of turns, as those are told who did not prompt.

use acp_types::meta::{META_KEY, TURN_ENDED};
use acp_types::record::body::Outcome;
use acp_types::record::{Record, Turn};
use acp_types::{ErrorObjectOwned, RawBuf, RawError, SessionId};
use serde::Serialize;

/// Params of `_acp-bridge/turn_ended`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TurnEnded<'a> {
    session_id: &'a SessionId,
    turn: Turn,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<RawBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<serde_json::Value>,
}

/// Method and params that tell a client of a turn's end, from its `turn_ended` record.
pub(crate) fn ended(
    session: &SessionId,
    turn: Turn,
    outcome: &Outcome,
    record: &Record,
) -> Option<(&'static str, RawBuf)> {
    let (stop_reason, error, reason) = match outcome {
        Outcome::Completed { stop_reason, .. } => (Some(stop_reason.as_str()), None, None),
        Outcome::Cancelled { .. } => (Some("cancelled"), None, None),
        Outcome::Failed { error } => (None, Some(error.clone()), None),
        Outcome::Interrupted { reason } => (None, None, Some(reason.as_str())),
        _ => (None, None, None),
    };
    let meta =
        acp_types::meta::UpdateMeta { seq: record.seq, at: record.at, turn: Some(turn), lane: (&*record.lane).into() };
    let meta = Some(serde_json::json!({ META_KEY: meta }));
    let params = TurnEnded { session_id: session, turn, outcome: outcome.name(), stop_reason, error, reason, meta };
    Some((TURN_ENDED, RawBuf::encode(&params).ok()?))
}

/// Method and params for a turn that goes on in a log that cannot be written: there is no record, and hence no cursor.
pub(super) fn unwritable(session: &SessionId, turn: Turn, error: &ErrorObjectOwned) -> Option<(&'static str, RawBuf)> {
    let error = Some(RawError::from(error).into_raw());
    let params =
        TurnEnded { session_id: session, turn, outcome: "failed", stop_reason: None, error, reason: None, meta: None };
    Some((TURN_ENDED, RawBuf::encode(&params).ok()?))
}

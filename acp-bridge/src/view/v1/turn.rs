//! Ends of turns: answers to prompts, and what those are told that did not prompt.

use acp_types::error::ErrorCode;
use acp_types::meta::{META_KEY, TURN_ENDED};
use acp_types::record::body::Outcome;
use acp_types::record::{Record, Seq, Turn};
use acp_types::{ErrorObjectOwned, Raw, RawBuf, RawError, SessionId, error, rewrite};
use serde::Serialize;

/// `_meta["acp-bridge"]` of a prompt's answer.
#[derive(Debug, Serialize)]
struct AnswerMeta<'a> {
    seq: Seq,
    turn: Turn,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    steered: Option<Turn>,
}

/// The answer to a prompt, from how its turn ended. `seq` is a cursor behind everything that belongs to the turn,
/// `steered` the turn that its message went into.
pub(super) fn answer(turn: Turn, seq: Seq, outcome: &Outcome, steered: Option<Turn>) -> Result<RawBuf, RawError> {
    let with_meta = |result: Raw<'_>| {
        let meta = AnswerMeta { seq, turn, outcome: outcome.name(), steered };
        match RawBuf::encode(&meta) {
            Ok(meta) => rewrite::set_path(result, &["_meta", META_KEY], meta.as_raw()),
            Err(_) => result.to_owned(),
        }
    };
    match outcome {
        Outcome::Completed { result, .. } | Outcome::Cancelled { result: Some(result), .. } => {
            Ok(with_meta(result.as_raw()))
        }
        Outcome::Cancelled { result: None, .. } => Ok(with_meta(Raw::trusted(r#"{"stopReason":"cancelled"}"#))),
        Outcome::Failed { error } => Err(received(error.clone())),
        Outcome::Interrupted { reason } => Err(RawError::from(&interrupted(turn, reason))),
        other => {
            let message = format!("turn {turn} ended as {}, which this version does not know", other.name());
            Err(RawError::from(&error::error(ErrorCode::INTERNAL_ERROR, message, None)))
        }
    }
}

fn interrupted(turn: Turn, reason: &str) -> ErrorObjectOwned {
    let data = serde_json::json!({ META_KEY: { "outcome": "interrupted", "turn": turn } });
    error::error(ErrorCode::INTERNAL_ERROR, reason, RawBuf::encode(&data).ok())
}

/// An agent's error object as the log has it.
pub(super) fn received(error: RawBuf) -> RawError {
    RawError::new(error).unwrap_or_else(|invalid| {
        let message = format!("the agent answered with an error that is none: {invalid}");
        RawError::from(&error::error(ErrorCode::INTERNAL_ERROR, message, None))
    })
}

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

/// The same for a turn that goes on in a log that cannot be written: there is no record, and hence no cursor.
pub(super) fn unwritable(session: &SessionId, turn: Turn, error: &ErrorObjectOwned) -> Option<(&'static str, RawBuf)> {
    let error = Some(RawError::from(error).into_raw());
    let params =
        TurnEnded { session_id: session, turn, outcome: "failed", stop_reason: None, error, reason: None, meta: None };
    Some((TURN_ENDED, RawBuf::encode(&params).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> RawBuf {
        RawBuf::parse(text).unwrap()
    }

    #[test]
    fn a_completed_turn_is_answered_with_the_agents_result_and_ours_beside_it() {
        let result = raw(r#"{"stopReason":"end_turn","n":1e2,"_meta":{"theirs":1}}"#);
        let outcome = Outcome::Completed { stop_reason: "end_turn".into(), result };
        assert_eq!(
            answer(3, 9, &outcome, None).unwrap().as_str(),
            r#"{"stopReason":"end_turn","n":1e2,"_meta":{"theirs":1,"acp-bridge":{"seq":9,"turn":3,"outcome":"completed"}}}"#
        );
    }

    #[test]
    fn the_answer_names_the_turn_that_the_message_went_into() {
        let outcome =
            Outcome::Completed { stop_reason: "end_turn".into(), result: raw(r#"{"stopReason":"end_turn"}"#) };
        assert_eq!(
            answer(7, 9, &outcome, Some(3)).unwrap().as_str(),
            r#"{"stopReason":"end_turn","_meta":{"acp-bridge":{"seq":9,"turn":7,"outcome":"completed","steered":3}}}"#
        );
    }

    #[test]
    fn a_cancelled_turn_without_a_result_gets_one() {
        let outcome = Outcome::Cancelled { result: None, killed: true };
        let answer = answer(3, 9, &outcome, None).unwrap();
        assert_eq!(
            answer.as_str(),
            r#"{"stopReason":"cancelled","_meta":{"acp-bridge":{"seq":9,"turn":3,"outcome":"cancelled"}}}"#
        );
    }

    #[test]
    fn a_failed_turn_is_answered_with_the_agents_own_error() {
        let error = raw(r#"{"message":"m","x":1e2,"code":4711}"#);
        let own = answer(3, 9, &Outcome::Failed { error: error.clone() }, None).unwrap_err();
        assert_eq!(own.as_raw(), error.as_raw());
        let none = answer(3, 9, &Outcome::Failed { error: raw("1") }, None).unwrap_err();
        assert_eq!(none.code(), ErrorCode::INTERNAL_ERROR);
    }

    #[test]
    fn an_interrupted_turn_is_an_error_that_says_why() {
        let answer = answer(3, 9, &Outcome::Interrupted { reason: "gone".into() }, None).unwrap_err();
        assert_eq!(
            answer.as_raw().as_str(),
            r#"{"code":-32603,"message":"gone","data":{"acp-bridge":{"outcome":"interrupted","turn":3}}}"#
        );
    }
}

//! Answers to requests.

use acp_types::error::{self, ErrorCode};
use acp_types::meta::{META_KEY, QueuedPrompt};
use acp_types::record::body::Outcome;
use acp_types::record::{Seq, Turn};
use acp_types::{ErrorObjectOwned, Raw, RawBuf, RawError, SessionId, rewrite};
use serde::Serialize;

use super::error::refuse;
use super::params::PAGE;
use super::{capabilities, members};
use crate::log::SessionInfo;
use crate::service::ServiceError;
use crate::session::Reply;
use crate::view::door::internal;
use crate::view::lanes;
use crate::view::response::Response;

/// Result or error of an answer.
pub(super) fn respond(response: Response<'_>) -> Result<RawBuf, RawError> {
    match response {
        Response::Greeted { agent } => Ok(capabilities::rewrite(agent.as_raw())),
        Response::Session(result) => Ok(result),
        Response::Attached(attached) => encoded(members::attached(&attached)),
        Response::Detached { session } => {
            let result = serde_json::json!({ "sessionId": session, "status": "detached" });
            Ok(RawBuf::encode(&result).unwrap_or_else(|_| Raw::EMPTY_OBJECT.to_owned()))
        }
        Response::Turn { turn, seq, outcome, steered } => answer(turn, seq, outcome, steered),
        Response::Sessions(sessions) => encoded(listed(sessions)),
        Response::Status { open } => {
            let status = if open { r#"{"status":"open"}"# } else { r#"{"status":"saved"}"# };
            Ok(RawBuf::trusted(status.to_owned()))
        }
        Response::Lanes(state) => encoded(RawBuf::encode(&lanes::lanes_of(state))),
        Response::Reply(reply) => reply_of(reply),
        Response::Done => Ok(Raw::EMPTY_OBJECT.to_owned()),
    }
}

fn encoded(result: serde_json::Result<RawBuf>) -> Result<RawBuf, RawError> {
    result.map_err(|error| RawError::from(&internal(error.to_string())))
}

/// Answer of the host or of an agent.
fn reply_of(reply: Reply) -> Result<RawBuf, RawError> {
    match reply {
        Reply::Agent(outcome) => outcome.map_err(received),
        Reply::State(result) => Ok(result),
        Reply::Done => Ok(Raw::EMPTY_OBJECT.to_owned()),
        Reply::Queue(queue) => encoded(queued(&queue)),
        _ => Err(refuse(&ServiceError::Unfit.into())),
    }
}

/// Our part of `_meta` in a prompt's answer.
#[derive(Debug, Serialize)]
struct AnswerMeta<'a> {
    seq: Seq,
    turn: Turn,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    steered: Option<Turn>,
}

/// Answer to a prompt, from how its turn ended. `seq` is a cursor behind everything that belongs to the turn,
/// `steered` the turn that its message went into.
fn answer(turn: Turn, seq: Seq, outcome: &Outcome, steered: Option<Turn>) -> Result<RawBuf, RawError> {
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

/// Error object of an agent, as the log has it.
fn received(error: RawBuf) -> RawError {
    RawError::new(error).unwrap_or_else(|invalid| {
        let message = format!("the agent answered with an error that is none: {invalid}");
        RawError::from(&error::error(ErrorCode::INTERNAL_ERROR, message, None))
    })
}

/// Bytes of all prompts of one answer. Any of them alone may be as long as a message may be.
const MAX_QUEUED: usize = 8 * 1024 * 1024;

/// List of prompts that wait. Of those that are too long together, the longest are named and not shown.
fn queued(queue: &[QueuedPrompt]) -> serde_json::Result<RawBuf> {
    let bytes: usize = queue.iter().map(|prompt| prompt.prompt.as_str().len()).sum();
    let most = if bytes > MAX_QUEUED { MAX_QUEUED / queue.len().max(1) } else { usize::MAX };
    let shown = queue.iter().map(|prompt| {
        let bytes = prompt.prompt.as_str().len();
        if bytes <= most {
            return Ok(prompt.clone());
        }
        let words = format!("[a prompt of {bytes} bytes, which is too long to be listed with the others]");
        let instead = RawBuf::encode(&serde_json::json!([{ "type": "text", "text": words }]))?;
        let mut named = prompt.clone();
        named.prompt = instead;
        Ok(named)
    });
    let queue = shown.collect::<serde_json::Result<Vec<_>>>()?;
    RawBuf::encode(&serde_json::json!({ "queue": queue }))
}

/// Result of `session/list`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    sessions: Vec<Listing<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<&'a SessionId>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Listing<'a> {
    session_id: &'a SessionId,
    cwd: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
}

/// Bytes of titles and directories of one page, after which the next one begins.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

fn listed(sessions: &[SessionInfo]) -> serde_json::Result<RawBuf> {
    let mut bytes = 0;
    let fitting = sessions.iter().take_while(|info| {
        let before = bytes;
        bytes += info.cwd.len() + info.title.as_ref().map_or(0, String::len);
        before == 0 || bytes <= PAGE_BYTES
    });
    let count = fitting.count();
    let (full, sessions) = (count < sessions.len() || sessions.len() >= PAGE, &sessions[..count]);
    let listings = sessions.iter().map(|info| Listing {
        session_id: &info.id,
        cwd: &info.cwd,
        title: info.title.as_deref(),
        updated_at: timestamp(info.updated_at),
    });
    let next_cursor = sessions.last().filter(|_| full).map(|info| &info.id);
    RawBuf::encode(&Listed { sessions: listings.collect(), next_cursor })
}

/// Time in ISO 8601, UTC; `None` for one that no calendar has.
fn timestamp(micros: u64) -> Option<String> {
    let micros = i64::try_from(micros).ok()?;
    Some(jiff::Timestamp::from_microsecond(micros).ok()?.to_string())
}

#[cfg(test)]
mod tests {
    use acp_types::RawBuf;
    use acp_types::error::ErrorCode;
    use acp_types::meta::QueuedPrompt;
    use acp_types::record::body::Outcome;

    use super::{MAX_QUEUED, answer, queued};

    #[test]
    fn prompts_that_are_too_long_together_are_named() {
        let prompt = |turn, bytes| {
            let text = "x".repeat(bytes);
            QueuedPrompt::new(
                turn,
                "main",
                RawBuf::encode(&serde_json::json!([{ "type": "text", "text": text }])).unwrap(),
            )
        };
        let queue = [prompt(1, 10), prompt(2, MAX_QUEUED), prompt(3, MAX_QUEUED / 4)];
        let answer = queued(&queue).unwrap();
        assert!(answer.as_str().len() < MAX_QUEUED);
        let value: serde_json::Value = serde_json::from_str(answer.as_str()).unwrap();
        let texts: Vec<_> =
            (0..3).map(|at| value["queue"][at]["prompt"][0]["text"].as_str().unwrap().to_owned()).collect();
        assert_eq!((texts[0].len(), texts[2].len()), (10, MAX_QUEUED / 4));
        assert!(texts[1].starts_with("[a prompt of 83"), "{}", texts[1]);
        assert!(queued(&queue[1..2]).unwrap().as_str().len() < 1000);
        assert!(queued(&queue[2..]).unwrap().as_str().len() > MAX_QUEUED / 4);
    }

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

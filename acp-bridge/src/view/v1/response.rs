//! Answers to requests.

use acp_types::error::RawError;
use acp_types::meta::QueuedPrompt;
use acp_types::{Raw, RawBuf, SessionId};
use serde::Serialize;

use super::error::refuse;
use super::params::PAGE;
use super::{capabilities, members, turn};
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
        Response::Turn { turn, seq, outcome, steered } => turn::answer(turn, seq, outcome, steered),
        Response::Sessions(sessions) => encoded(listed(sessions)),
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
        Reply::Agent(outcome) => outcome.map_err(turn::received),
        Reply::State(result) => Ok(result),
        Reply::Done => Ok(Raw::EMPTY_OBJECT.to_owned()),
        Reply::Queue(queue) => encoded(queued(&queue)),
        _ => Err(refuse(&ServiceError::Unfit.into())),
    }
}

/// Bytes of all prompts of one answer. Any of them alone may be as long as a message may be.
const MAX_QUEUED: usize = 8 * 1024 * 1024;

/// Prompts that wait. Of those that are too long together, the longest are named and not shown.
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

/// The result of `session/list`.
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

/// ISO 8601, UTC; `None` for a time that no calendar has.
fn timestamp(micros: u64) -> Option<String> {
    let micros = i64::try_from(micros).ok()?;
    Some(jiff::Timestamp::from_microsecond(micros).ok()?.to_string())
}

#[cfg(test)]
mod tests {
    use acp_types::RawBuf;
    use acp_types::meta::QueuedPrompt;

    use super::{MAX_QUEUED, queued};

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
}

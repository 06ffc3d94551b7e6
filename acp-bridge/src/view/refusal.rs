//! What clients are told when the gateway itself says no.

use acp_types::error::{ErrorCode, error};
use acp_types::meta::META_KEY;
use acp_types::record::{Seq, Turn};
use acp_types::{ErrorObjectOwned, RawBuf, SessionId};
use serde::Serialize;

use crate::log::LogError;

pub(crate) fn invalid_request(message: impl Into<String>) -> ErrorObjectOwned {
    error(ErrorCode::INVALID_REQUEST, message, None)
}

pub(crate) fn invalid_params(message: impl Into<String>) -> ErrorObjectOwned {
    error(ErrorCode::INVALID_PARAMS, message, None)
}

pub(crate) fn internal(message: impl Into<String>) -> ErrorObjectOwned {
    error(ErrorCode::INTERNAL_ERROR, message, None)
}

pub(crate) fn method_not_found(method: &str) -> ErrorObjectOwned {
    let shown: String = method.chars().take(100).collect();
    let message = format!("there is no method {shown:?} here: see the capabilities in the answer to initialize");
    error(ErrorCode::METHOD_NOT_FOUND, message, data("method", &shown))
}

pub(crate) fn unknown_session(session: &SessionId) -> ErrorObjectOwned {
    let message = format!("there is no session {session}: it was deleted, or belongs to another log");
    error(ErrorCode::RESOURCE_NOT_FOUND, message, data("sessionId", session))
}

pub(crate) fn not_attached(session: &SessionId) -> ErrorObjectOwned {
    let message = format!("this connection is not attached to session {session}: load, resume or attach it first");
    error(ErrorCode::RESOURCE_NOT_FOUND, message, data("sessionId", session))
}

/// An observer asked for more than to be shown.
pub(crate) fn observer(session: &SessionId, method: &str) -> ErrorObjectOwned {
    let shown: String = method.chars().take(100).collect();
    let message =
        format!("an observer of session {session} cannot send {shown:?}: attach as controller (session/attach) first");
    error(ErrorCode::INVALID_REQUEST, message, data(META_KEY, &serde_json::json!({ "role": "observer" })))
}

/// A prompt whose client has detached: nobody is told how its turn ends.
pub(crate) fn detached_from_turn(session: &SessionId, turn: Turn) -> ErrorObjectOwned {
    let message = format!(
        "this client detached from session {session}; turn {turn} goes on: attach again to follow it, or cancel it"
    );
    let detached = serde_json::json!({ "outcome": "detached", "turn": turn });
    error(ErrorCode::REQUEST_CANCELLED, message, data(META_KEY, &detached))
}

/// Another connection attached with the same `clientId`.
pub(crate) fn place_taken(session: &SessionId, client: &str) -> ErrorObjectOwned {
    let message = format!(
        "another connection attached to session {session} as client {client:?} and took this one's place: attach with \
         another clientId to have both"
    );
    error(ErrorCode::INVALID_REQUEST, message, data("clientId", client))
}

pub(crate) fn unknown_message(session: &SessionId, message: &str) -> ErrorObjectOwned {
    let text = format!(
        "`afterMessageId`: session {session} has no message {message:?} that is still kept: attach without it for all \
         history"
    );
    error(ErrorCode::INVALID_PARAMS, text, data("afterMessageId", message))
}

pub(crate) fn beyond_head(after: Seq, latest: Seq) -> ErrorObjectOwned {
    let message = format!("the cursor {after} is beyond the session's last record {latest}: resume from what you have");
    error(ErrorCode::INVALID_PARAMS, message, data("latest", &latest))
}

pub(crate) fn trimmed(after: Seq, oldest: Seq) -> ErrorObjectOwned {
    let message =
        format!("what follows cursor {after} is no longer kept: resume from {oldest} at the earliest, or load");
    error(ErrorCode::INVALID_PARAMS, message, data("oldest", &oldest))
}

pub(crate) fn too_many(what: &str, limit: usize) -> ErrorObjectOwned {
    internal(format!("this connection has {limit} {what} already: wait for one to end, or open another connection"))
}

/// A log that failed while it was read.
pub(crate) fn log_failed(session: &SessionId, failure: &LogError) -> ErrorObjectOwned {
    match failure {
        LogError::NotFound { .. } => unknown_session(session),
        LogError::BeyondHead { after, head } => beyond_head(*after, *head),
        LogError::Trimmed { after, oldest } => trimmed(*after, *oldest),
        other => internal(other.to_string()),
    }
}

/// The data of an error; left out if it could not be encoded, which strings and numbers always can.
fn data<T: Serialize + ?Sized>(key: &str, value: &T) -> Option<RawBuf> {
    RawBuf::encode(&serde_json::json!({ key: value })).ok()
}

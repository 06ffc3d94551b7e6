//! Reasons why a client does not get what it asks for, in the words and codes of ACP.

use acp_types::error::{ErrorCode, error};
use acp_types::meta::META_KEY;
use acp_types::{ErrorObjectOwned, RawError};
use serde_json::json;

use crate::view::door::{self, data, internal, invalid_params, invalid_request};
use crate::view::error::RequestError;

/// Error of an answer.
pub(super) fn refuse(why: &RequestError) -> RawError {
    RawError::from(&error_object(why))
}

pub(super) fn error_object(why: &RequestError) -> ErrorObjectOwned {
    match why {
        RequestError::NotInitialized => invalid_request("the connection is not initialized: call initialize first"),
        RequestError::InitializedAlready => invalid_request("the connection is initialized already: open another one"),
        RequestError::Params(message) => invalid_params(message),
        RequestError::UnknownMethod(method) => {
            let shown = shortened(method);
            let message =
                format!("there is no method {shown:?} here: see the capabilities in the answer to initialize");
            error(ErrorCode::METHOD_NOT_FOUND, message, data("method", &shown))
        }
        RequestError::NotAttached { session } => {
            let message =
                format!("this connection is not attached to session {session}: load, resume or attach it first");
            error(ErrorCode::RESOURCE_NOT_FOUND, message, data("sessionId", session))
        }
        RequestError::Observing { session, method } => {
            let shown = shortened(method);
            let message = format!(
                "an observer of session {session} cannot send {shown:?}: attach as controller (session/attach) first"
            );
            error(ErrorCode::INVALID_REQUEST, message, data(META_KEY, &json!({ "role": "observer" })))
        }
        RequestError::TooMany { what, limit } => internal(format!(
            "this connection has {limit} {what} already: wait for one to end, or open another connection"
        )),
        RequestError::Replaced => invalid_request("a later load, resume or attach of the session took its place"),
        RequestError::DetachedMeanwhile => invalid_request("the client detached from the session meanwhile"),
        RequestError::DetachedFromTurn { session, turn } => {
            let message = format!(
                "this client detached from session {session}; turn {turn} goes on: attach again to follow it, or \
                 cancel it"
            );
            let detached = json!({ "outcome": "detached", "turn": turn });
            error(ErrorCode::REQUEST_CANCELLED, message, data(META_KEY, &detached))
        }
        RequestError::PlaceTaken { session, client } => {
            let message = format!(
                "another connection attached to session {session} as client {client:?} and took this one's place: \
                 attach with another clientId to have both"
            );
            error(ErrorCode::INVALID_REQUEST, message, data("clientId", &**client))
        }
        RequestError::UnknownMessage { session, message } => {
            let text = format!(
                "`afterMessageId`: session {session} has no message {message:?} that is still kept: attach without it \
                 for all history"
            );
            error(ErrorCode::INVALID_PARAMS, text, data("afterMessageId", message))
        }
        RequestError::Unwritable { reason } => internal(format!(
            "the session log cannot be written: {reason}; what the agent did since is lost, prompt again when it can"
        )),
        RequestError::TurnForgotten { turn } => {
            internal(format!("turn {turn} has ended so long ago that only the log still has its outcome"))
        }
        RequestError::Service(why) => door::refused(why),
    }
}

/// A method's name, short enough to be repeated.
fn shortened(method: &str) -> String {
    method.chars().take(100).collect()
}

//! From an agent's frames to the machine's inputs.

use acp_server::proto::{Event, Rejection, ResponseError};
use acp_types::method::v1;
use acp_types::{RawBuf, RawError};

use super::door::Undone;
use crate::session::{CallId, FromAgent};

/// One event of the connection as the machine takes it. `call` tells which call of the machine a response answers.
pub(super) fn from_agent(
    event: Event,
    call: impl FnOnce(acp_server::proto::RequestKey) -> Option<CallId>,
) -> Option<FromAgent> {
    match event {
        Event::Notification(notification) if notification.method() == v1::SessionUpdate::NAME => {
            Some(FromAgent::Update(notification.into_payload()?))
        }
        Event::Notification(notification) => Some(FromAgent::Notification {
            method: notification.method().to_owned(),
            params: notification.params().map(acp_types::Raw::to_owned),
        }),
        Event::Request(request) => Some(FromAgent::Request {
            id: request.id().clone(),
            method: request.method().to_owned(),
            params: request.params().map(acp_types::Raw::to_owned),
        }),
        Event::Cancelled { id, .. } => Some(FromAgent::Withdrew(id)),
        Event::Response { key, outcome, .. } => {
            let call = call(key)?;
            let outcome = match outcome {
                Ok(payload) => Ok(payload.raw().to_owned()),
                Err(ResponseError::Peer(error)) => Err(error.into_raw()),
                // The exit that follows says so.
                Err(ResponseError::Closed) => return None,
                Err(other) => Err(unanswered(&other)),
            };
            Some(FromAgent::Answered { call, outcome })
        }
        Event::Rejected { reason: Rejection::Frame(error) } => {
            tracing::warn!(reason = %error, "the agent sent something that cannot be read");
            // Whoever waits for an answer has been told.
            let told = error.is_response_like() || error.is_request_like();
            (!told).then(|| FromAgent::Unreadable { reason: error.to_string() })
        }
        Event::Rejected { reason } => {
            tracing::warn!(%reason, "the agent sent something that is refused");
            None
        }
        Event::Stray { error: Some(error), .. } => {
            tracing::warn!(%error, "the agent refused something that it was sent");
            None
        }
        Event::Stray { id, .. } => {
            tracing::warn!(%id, "the agent answered a request that is not open");
            None
        }
        _ => None,
    }
}

/// The error object in place of an answer that is none.
pub(super) fn unanswered(why: &ResponseError) -> RawBuf {
    RawError::from(Undone::AnswerLost { why: why.to_string() }).into_raw()
}

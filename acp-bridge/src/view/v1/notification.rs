//! Notifications of clients, and their answers to what agents ask.

use acp_server::proto::{Payload, ResponseError};
use acp_types::RawError;
use acp_types::error::ErrorCode;
use acp_types::meta::reserved;
use acp_types::method::{self, Call, Direction, Notification as _, Version, v1};

use super::error::error_object;
use super::params::Params;
use crate::service::command::{self, Stop};
use crate::view::contract::IsAttached;
use crate::view::door::internal;
use crate::view::request::{ClientAnswer, Notification};

/// Reads a notification; `None` for one that asks for nothing.
pub(super) fn read(client: &str, name: &str, params: Params<'_>, attached: IsAttached<'_>) -> Option<Notification> {
    if name == v1::Cancel::METHOD.name {
        let session = match params.session() {
            Ok(session) => session,
            Err(error) => {
                let error = error_object(&error);
                tracing::warn!(client, error = error.message(), "a stop names no session");
                return None;
            }
        };
        // A stop must stop: one whose `_meta` cannot be read is meant for what runs.
        let meta = params.meta().unwrap_or_default();
        let scope = meta.scope.unwrap_or_default();
        let stop = Stop { lane: meta.lane, turn: meta.turn, scope, reason: meta.reason };
        return Some(Notification::Cancel { session, command: command::cancel(stop) });
    }
    if reserved::is_method(name) {
        tracing::warn!(client, name, "a notification of a client is none that the bridge takes");
        return None;
    }
    let known = method::find(name, Call::Notification, Version::V1);
    let passes = known.is_some_and(|known| known.direction != Direction::ToClient);
    if !passes && !method::is_extension(name) {
        tracing::warn!(client, name, "a notification that nobody knows is ignored");
        return None;
    }
    let session = params.session().ok().filter(attached);
    let lane = params.meta().ok().and_then(|meta| meta.lane);
    Some(Notification::Pass { session, command: command::notify(lane, name, params.to_owned()) })
}

/// Reads the answer to what an agent asked.
pub(super) fn answer_of(outcome: Result<Payload, ResponseError>) -> ClientAnswer {
    match outcome {
        Ok(result) => ClientAnswer::Result(result.raw().to_owned()),
        Err(ResponseError::Peer(error)) if error.code() == ErrorCode::METHOD_NOT_FOUND => {
            ClientAnswer::Unable(error.into_raw())
        }
        Err(ResponseError::Peer(error)) => ClientAnswer::Error(error.into_raw()),
        // The client has been told. When nobody else can answer, the agent gets this error: it must not wait for an
        // answer that was given.
        Err(ResponseError::Invalid(why)) => {
            let error = internal(format!("the client's answer cannot be read: {why}"));
            ClientAnswer::Unable(RawError::from(&error).into_raw())
        }
        Err(_) => ClientAnswer::Nothing,
    }
}

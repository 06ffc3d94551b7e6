//! Reasons why a client does not get what it asks for.

use std::sync::Arc;

use acp_types::SessionId;
use acp_types::record::Turn;

use crate::log::LogError;
use crate::service::{Denied, Invalid, ServiceError};

/// Reason of a refusal, with its facts. A view writes it in the words and codes of its protocol.
#[derive(Debug)]
pub(crate) enum RequestError {
    /// No hello came from the client.
    NotInitialized,
    /// Second hello of the client.
    InitializedAlready,
    /// Params that cannot be used, for this reason.
    Params(String),
    /// Method that nobody serves.
    UnknownMethod(String),
    /// Session that the client is not attached to.
    NotAttached { session: SessionId },
    /// Observer of the session that asks for more than to be shown.
    Observing { session: SessionId, method: String },
    /// Limit of one connection.
    TooMany { what: &'static str, limit: usize },
    /// Replaced: the client came to the session once more, before this was done.
    Replaced,
    /// Detached: the client left the session before this was done.
    DetachedMeanwhile,
    /// Detached from a turn: the client left the session while a turn that it prompted went on, and nobody is told how
    /// that ends.
    DetachedFromTurn { session: SessionId, turn: Turn },
    /// Place that another connection took under the same name.
    PlaceTaken { session: SessionId, client: Arc<str> },
    /// Message that the session does not have.
    UnknownMessage { session: SessionId, message: String },
    /// Log that cannot be written.
    Unwritable { reason: String },
    /// Turn that ended so long ago that its outcome is in the log only.
    TurnForgotten { turn: Turn },
    /// Refusal of the service.
    Service(ServiceError),
}

impl RequestError {
    /// Error of a session's log.
    pub(crate) fn log(session: &SessionId, error: LogError) -> Self {
        Self::Service(ServiceError::log(session, error))
    }

    /// Error for a session that there is not.
    pub(crate) fn no_session(session: &SessionId) -> Self {
        Self::Service(ServiceError::NoSession { session: session.clone() })
    }
}

impl From<ServiceError> for RequestError {
    fn from(why: ServiceError) -> Self {
        Self::Service(why)
    }
}

impl From<Invalid> for RequestError {
    fn from(why: Invalid) -> Self {
        Self::Service(why.into())
    }
}

impl From<Denied> for RequestError {
    fn from(why: Denied) -> Self {
        Self::Service(why.into())
    }
}

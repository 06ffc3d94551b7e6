//! Reasons why a client does not get what it asks for.

use std::sync::Arc;

use acp_types::SessionId;
use acp_types::record::Turn;

use crate::log::LogError;
use crate::service::{Denied, Invalid, ServiceError};

/// One reason, with its facts. A view writes it in the words and codes of its protocol.
#[derive(Debug)]
pub(crate) enum RequestError {
    /// The client has not said hello.
    NotInitialized,
    /// It has already.
    InitializedAlready,
    /// The params cannot be used, for this reason.
    Params(String),
    /// Nobody serves such a request.
    UnknownMethod(String),
    /// The client is not attached to the session.
    NotAttached { session: SessionId },
    /// It is, as an observer, and asks for more than to be shown.
    Observing { session: SessionId, method: String },
    /// It has as many as one connection may have.
    TooMany { what: &'static str, limit: usize },
    /// It came to the session once more, before this was done.
    Replaced,
    /// It left the session before this was done.
    DetachedMeanwhile,
    /// It left the session while a turn that it prompted went on: nobody is told how that ends.
    DetachedFromTurn { session: SessionId, turn: Turn },
    /// Another connection attached under the same name.
    PlaceTaken { session: SessionId, client: Arc<str> },
    /// The session has no message of that id.
    UnknownMessage { session: SessionId, message: String },
    /// The log cannot be written.
    Unwritable { reason: String },
    /// The turn ended so long ago that its outcome is in the log only.
    TurnForgotten { turn: Turn },
    /// The service says no.
    Service(ServiceError),
}

impl RequestError {
    /// The log of a session failed.
    pub(crate) fn log(session: &SessionId, error: LogError) -> Self {
        Self::Service(ServiceError::log(session, error))
    }

    /// There is no such session.
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

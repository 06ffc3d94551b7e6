//! Reasons why the service does not do what it is asked for. Doors make wire errors of them.

use acp_types::{RawBuf, SessionId};

use super::{Denied, Invalid};
use crate::log::LogError;
use crate::session::Refusal;

/// Reason why a caller does not get what it asks for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    /// Denied: the caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Invalid: what it asks for makes no sense.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// No session of that name.
    #[error("there is no session {session}: it was deleted, or belongs to another log")]
    NoSession { session: SessionId },
    /// Log of a session that cannot be read.
    #[error("session {session}: {error}")]
    Log { session: SessionId, error: LogError },
    /// List of sessions that cannot be read.
    #[error(transparent)]
    List(LogError),
    /// Export that cannot go on.
    #[error("{0}")]
    Export(String),
    /// Refusal of the host.
    #[error(transparent)]
    Host(Refusal),
    /// Error of the agent, in its own words.
    #[error("the agent refused: {}", .0.as_str())]
    Agent(RawBuf),
    /// No stop: the bridge cannot be stopped by its clients.
    #[error("this bridge is stopped by whoever started it, and by no client: end its process")]
    NoStop,
    /// Answer of the host that is none to what was asked.
    #[error("the host's answer does not fit the request")]
    Unfit,
}

impl ServiceError {
    pub(crate) fn log(session: &SessionId, error: LogError) -> Self {
        match error {
            LogError::NotFound { .. } => Self::NoSession { session: session.clone() },
            error => Self::Log { session: session.clone(), error },
        }
    }
}

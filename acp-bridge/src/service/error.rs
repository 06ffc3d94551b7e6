//! Reasons why the service does not do what it is asked for. Doors make wire errors of them.

use acp_types::{RawBuf, SessionId};

use super::{Denied, Invalid};
use crate::log::LogError;
use crate::session::Refusal;

/// Why not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// What it asks for makes no sense.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// There is no such session.
    #[error("there is no session {session}: it was deleted, or belongs to another log")]
    NoSession { session: SessionId },
    /// The log of a session cannot be read.
    #[error("session {session}: {error}")]
    Log { session: SessionId, error: LogError },
    /// The sessions cannot be listed.
    #[error(transparent)]
    List(LogError),
    /// An export cannot go on.
    #[error("{0}")]
    Export(String),
    /// The host says no.
    #[error(transparent)]
    Host(Refusal),
    /// The agent says no, in its own words.
    #[error("the agent refused: {}", .0.as_str())]
    Agent(RawBuf),
    /// The bridge cannot be stopped by its clients.
    #[error("this bridge is stopped by whoever started it, and by no client: end its process")]
    NoStop,
    /// The host's answer is none to what was asked.
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

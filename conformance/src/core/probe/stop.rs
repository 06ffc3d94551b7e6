//! Reasons why a scenario ends early, and whose fault each is.

use crate::core::subject::StartError;

/// Reason why a scenario cannot go on. The record until then is judged as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Stop {
    /// The subject could not be started or reached.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Nothing more can come from the subject.
    #[error("the subject is gone")]
    Gone,
    /// An awaited message did not come.
    #[error("{0} did not come in time")]
    Late(String),
    /// The subject answered so that the rest makes no sense, an error to `session/new` for example.
    #[error("{0}")]
    Refused(String),
    /// The machine failed, not the subject.
    #[error("the machine failed: {0}")]
    Machine(#[from] std::io::Error),
    /// The scenario itself is wrong.
    #[error("the scenario panicked: {0}")]
    Panicked(String),
}

impl Stop {
    /// Returns whether it is no doing of the subject.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        match self {
            Self::Machine(_) | Self::Panicked(_) => true,
            Self::Start(error) => error.is_ours(),
            Self::Gone | Self::Late(_) | Self::Refused(_) => false,
        }
    }
}

//! Exit codes.

use std::process::ExitCode;

/// Exit code of the process. Stable: scripts depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Failed; stderr says why.
    Failed = 1,
    /// Wrong usage (given by the argument parser).
    Usage = 2,
    /// No bridge at the URL, or the agent could not be started.
    Unreachable = 3,
    /// The turn ended, but not by completing: cancelled, failed or interrupted.
    TurnNotCompleted = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error that decides the exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Coded {
    pub(super) exit: Exit,
    pub(super) message: String,
}

/// An error with an exit code of its own.
pub(super) fn coded(exit: Exit, message: impl Into<String>) -> anyhow::Error {
    Coded { exit, message: message.into() }.into()
}

/// The code that an error asks for.
pub(super) fn code_of(error: &anyhow::Error) -> Exit {
    error.downcast_ref::<Coded>().map_or(Exit::Failed, |coded| coded.exit)
}

/// Returns whether the reader of our stdout has gone, which is no failure.
pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

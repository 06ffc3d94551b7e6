//! Exit codes.

use std::process::ExitCode;

/// Meaning of the process's exit code. Stable: scripts depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Failed; stderr says why.
    Failed = 1,
    /// Wrong usage, such as a harness that nobody knows.
    Usage = 2,
    /// The harness is not installed or cannot be started.
    Unavailable = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error that decides the exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Coded {
    exit: Exit,
    message: String,
}

/// An error with an exit code of its own.
pub(super) fn coded(exit: Exit, message: impl Into<String>) -> anyhow::Error {
    Coded { exit, message: message.into() }.into()
}

/// The code that an error asks for.
pub(super) fn code_of(error: &anyhow::Error) -> Exit {
    if let Some(crate::profile::ProfileError::Unknown { .. }) = error.downcast_ref() {
        return Exit::Usage;
    }
    error.downcast_ref::<Coded>().map_or(Exit::Failed, |coded| coded.exit)
}

/// True if the reader of our stdout has gone, which is no failure.
pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

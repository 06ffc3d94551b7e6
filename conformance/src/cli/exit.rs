//! Exit codes.

use std::process::ExitCode;

/// Exit code of the process. Stable: scripts depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Exit {
    /// Done, and nothing failed.
    Ok = 0,
    /// A check failed or the baseline is stale; or a command that does not judge failed, and stderr says why.
    Failed = 1,
    /// Wrong usage: an argument, or a file that cannot be used.
    Usage = 2,
    /// The subject did not start.
    NotStarted = 3,
    /// The suite or the machine did wrong, so that nothing is known of the subject.
    SuiteBug = 4,
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

/// Wrong usage, and what to do instead.
pub(super) fn usage(message: impl Into<String>) -> anyhow::Error {
    Coded { exit: Exit::Usage, message: message.into() }.into()
}

/// There was nothing to test.
pub(super) fn not_started(message: &str) -> anyhow::Error {
    Coded { exit: Exit::NotStarted, message: format!("the subject did not start: {message}") }.into()
}

/// The code that an error asks for, if it does.
pub(super) fn code_of(error: &anyhow::Error, otherwise: Exit) -> Exit {
    error.downcast_ref::<Coded>().map_or(otherwise, |coded| coded.exit)
}

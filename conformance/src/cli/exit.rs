//! Exit codes.

use std::process::ExitCode;

/// What the process's exit code says. Stable: scripts depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Exit {
    /// Done, and nothing failed.
    Ok = 0,
    /// A check failed, the baseline is stale, or the command itself failed and stderr says why.
    Failed = 1,
    /// Wrong usage: an argument, or a file that cannot be used.
    Usage = 2,
    /// The subject did not start.
    NotStarted = 3,
    /// The suite itself did wrong.
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

/// The code that an error asks for.
pub(super) fn code_of(error: &anyhow::Error) -> Exit {
    error.downcast_ref::<Coded>().map_or(Exit::Failed, |coded| coded.exit)
}

//! Exit codes.

use std::process::ExitCode;

/// What the process's exit code says. Stable: scripts depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Failed; stderr says why.
    Failed = 1,
    /// Wrong usage: an argument, or a script that cannot be used.
    Usage = 2,
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

/// The code that an error asks for.
pub(super) fn code_of(error: &anyhow::Error) -> Exit {
    error.downcast_ref::<Coded>().map_or(Exit::Failed, |coded| coded.exit)
}

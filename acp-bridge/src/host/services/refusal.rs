//! Reasons why a service refused, in the words that the agent is told.

use std::io;
use std::path::PathBuf;

use acp_server::transport::child::SpawnError;

/// The options that let agents reach more than the directories of their session.
pub(super) const READ: &str = "allow-read";
pub(super) const WRITE: &str = "allow-write";

/// Reason why a request for a service was not carried out. Each says what to do about it where something can be done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("{0}")]
    Params(String),
    #[error("there is no method {0} for files or terminals")]
    Method(String),
    #[error("{} is not an absolute path", .0.display())]
    Relative(PathBuf),
    /// Also by a link, and also when something on the way was exchanged meanwhile.
    #[error(
        "{} leads outside of the session's directories: {roots}; to let agents reach it, start the bridge with \
         --{option} PATH (or `dial`, where that runs the agent)",
        path.display()
    )]
    Outside { path: PathBuf, roots: String, option: &'static str },
    #[error(
        "{} may be read and not be written: it is under --{READ}; to let agents write it, start the bridge with \
         --{WRITE} PATH",
        .0.display()
    )]
    ReadOnly(PathBuf),
    #[error("there is no {}", .0.display())]
    Missing(PathBuf),
    #[error("{} is {what}, not a regular file", path.display())]
    NoFile { path: PathBuf, what: &'static str },
    #[error("{} is not a directory", .0.display())]
    NoDirectory(PathBuf),
    #[error("{} is not UTF-8 text: byte {at} of what was asked for belongs to no character", path.display())]
    NoText { path: PathBuf, at: usize },
    #[error("what was asked for of {} has more than {limit} bytes; ask for fewer lines with `line` and `limit`", path.display())]
    LongRead { path: PathBuf, limit: usize },
    #[error("{} is too long to look for a line beyond its first {limit} bytes", path.display())]
    FarRead { path: PathBuf, limit: u64 },
    #[error("the text for {} has {bytes} bytes; at most {limit} are written at once", path.display())]
    LongWrite { path: PathBuf, bytes: usize, limit: usize },
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: {source}; it is written where it stands and may have a part of the new text: write it again", path.display())]
    Torn { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    #[error("there is no terminal {0}")]
    NoTerminal(String),
    #[error("{0} terminals are open already; release one that has served")]
    ManyTerminals(usize),
    #[error("{0} requests for files and terminals are open already; wait for one of them")]
    Busy(usize),
    #[error("the request was cancelled: the agent withdrew it")]
    Withdrawn,
    #[error("a task of the bridge failed: {0}")]
    Task(#[from] tokio::task::JoinError),
    #[error("the answer could not be encoded: {0}")]
    Encode(#[from] serde_json::Error),
}

//! Commands on their way from gateways to hosts, as bytes: a log does not read what they say.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acp_types::SessionId;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{LogError, MemberId};

/// Names one command: chosen by whoever submits it. The same id again is the same command.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(Arc<str>);

impl CommandId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for CommandId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl From<String> for CommandId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A command as a gateway submits it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "made by every gateway")]
pub struct QueuedCommand {
    /// Its id.
    pub id: CommandId,
    /// The session it is for; `None` when any host may take it.
    pub session: Option<SessionId>,
    /// The gateway that submits it.
    pub from: MemberId,
    /// A host must take it within this time, counted by the log from the submission; then it is refused and never taken.
    pub within: Duration,
    /// The command; see `crate::command`.
    pub body: Bytes,
}

/// A command as a host takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "made by every engine")]
pub struct TakenCommand {
    /// Its id, to answer it by.
    pub id: CommandId,
    /// The session it is for.
    pub session: Option<SessionId>,
    /// The gateway that submitted it.
    pub from: MemberId,
    /// Rest of [`QueuedCommand::within`]. What the host has not begun by then, it refuses.
    pub remaining: Duration,
    /// The command.
    pub body: Bytes,
}

/// Reason why a command has no answer of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum QueueError {
    /// No host takes commands of this log.
    #[error("no host serves this log; start one, or try again once it is up")]
    NoHost,
    /// Too many commands wait. Nothing of this one was kept.
    #[error("{waiting} commands wait for a host, which is all that there is room for; try again")]
    Full {
        /// Number that wait.
        waiting: usize,
    },
    /// No host has taken it in time, and none will.
    #[error("no host has taken the command in time, and it was not run; try again")]
    Late,
    /// The host that took it has gone.
    #[error("the host stopped before it answered; whether it did what was asked shows in the session's log")]
    HostGone,
    /// It was answered before, so long ago that its answer is not kept.
    #[error(
        "this command was answered before and its answer is no longer kept; what it did shows in the session's log"
    )]
    Forgotten,
    /// The log has failed.
    #[error("the command could not be queued: {reason}")]
    Failed {
        /// The cause.
        reason: String,
    },
}

impl From<LogError> for QueueError {
    fn from(error: LogError) -> Self {
        Self::Failed { reason: error.to_string() }
    }
}

//! Faults of a log. Every message says what to do next.

use std::path::PathBuf;
use std::time::Duration;

use acp_types::SessionId;
use acp_types::record::{Epoch, Seq};
use serde::{Deserialize, Serialize};

use super::MemberId;

/// Reason why a call to an open log failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LogError {
    /// No such session; also what a tail of a deleted session ends with.
    #[error("there is no session {session} in the log; list the sessions to see which there are")]
    NotFound {
        /// The session asked for.
        session: SessionId,
    },
    /// A session of that id was created before.
    #[error("session {session} exists already; use another id, or claim it")]
    Exists {
        /// The session that was to be created.
        session: SessionId,
    },
    /// Another host has taken the session over since (P9).
    #[error("the session was taken over: epoch {epoch} may not append, the current one is {current}; claim it again")]
    Fenced {
        /// Epoch of the refused records.
        epoch: Epoch,
        /// Epoch of the session's owner.
        current: Epoch,
    },
    /// Another host holds the session, and its lease runs.
    #[error("host {holder} holds session {session}; its lease runs for {} ms more: try again then, or ask that host", remaining.as_millis())]
    Held {
        /// The session.
        session: SessionId,
        /// The member that holds it.
        holder: MemberId,
        /// Rest of its lease. It may be renewed before.
        remaining: Duration,
    },
    /// The member that claims a session or takes commands has no lease, or one that ran out so long ago that it was
    /// forgotten.
    #[error("{member} is no member of the log; renew its lease first")]
    NotAMember {
        /// The member that asked.
        member: MemberId,
    },
    /// There are as many hosts and gateways as a log has room for.
    #[error(
        "{limit} hosts and gateways use the log, which is all that it has room for; stop one, or wait until a lease runs out"
    )]
    TooManyMembers {
        /// The limit.
        limit: usize,
    },
    /// The records do not follow on the head, or not on each other.
    #[error("a record has seq {got} where {expected} follows; read the session from its head and append again")]
    Conflict {
        /// The seq that follows.
        expected: Seq,
        /// The seq that was given.
        got: Seq,
    },
    /// The cursor is ahead of the log.
    #[error("cursor {after} is beyond the end of the log, which is {head}; read after {head} or less")]
    BeyondHead {
        /// The cursor given.
        after: Seq,
        /// The newest seq: the largest cursor there is.
        head: Seq,
    },
    /// Records after the cursor were trimmed.
    #[error("the records after cursor {after} are no longer kept; the oldest cursor that can be read is {oldest}")]
    Trimmed {
        /// The cursor given.
        after: Seq,
        /// The smallest cursor from which nothing is missing.
        oldest: Seq,
    },
    /// The log cannot be written now; nothing of the failed call was kept. A later call may succeed.
    #[error("the session log cannot be written: {reason}")]
    Unwritable {
        /// The cause, and what to do.
        reason: String,
    },
    /// The log cannot be read now. A later call may succeed.
    #[error("the session log cannot be read: {reason}")]
    Unreadable {
        /// The cause, and what to do.
        reason: String,
    },
    /// The log has something that makes no sense.
    #[error("the session log is damaged: {reason}; run `acp-bridge doctor` on it and restore a copy if it confirms")]
    Corrupt {
        /// The part that makes none.
        reason: String,
    },
    /// The log was shut down.
    #[error("the session log is closed; the bridge is stopping, connect again once it is back")]
    Closed,
}

/// Reason why a log could not be opened or checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Not a log URL.
    #[error("{url:?} names no session log; write `sqlite:FILE`, or `memory:` for a log that ends with the process")]
    Url {
        /// As given.
        url: String,
    },
    /// Another bridge writes this log.
    #[error(
        "{path} is in use by another bridge{}; connect to that one with --url, stop it, or name another --log",
        .pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    Locked {
        /// The log.
        path: PathBuf,
        /// The process that has it, when it has left its number.
        pid: Option<u32>,
    },
    /// The file has other names, hard links.
    #[error(
        "{path} has {names} names (hard links), and a log must have one: under another name its -wal file would be missed; \
         remove the others, or copy the file"
    )]
    Linked {
        /// The log.
        path: PathBuf,
        /// Number of names that the file has.
        names: u64,
    },
    /// Written by a newer version.
    #[error("{path} has log version {found} and this program knows up to {known}; update it, or name another --log")]
    Newer {
        /// The log.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that can be read.
        known: i64,
    },
    /// Written by an older version, and only to be read.
    #[error(
        "{path} has log version {found}, which this program must bring up to date before it can read it; stop the bridge \
         that has it, if one does, and run `acp-bridge compact` on it"
    )]
    Older {
        /// The log.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// The file belongs to something else; it was not touched.
    #[error("{path} is not a session log: {reason}; it was left as it is, name another file with --log")]
    NotALog {
        /// The file.
        path: PathBuf,
        /// Kind of file that it seems to be.
        reason: String,
    },
    /// The file is a log but damaged.
    #[error("{path} is damaged: {reason}; restore a copy, or move it away together with its -wal file to start anew")]
    Corrupt {
        /// The log.
        path: PathBuf,
        /// The part that makes no sense.
        reason: String,
    },
    /// The operating system or SQLite refused; or the disk is full.
    #[error("cannot open the session log {path}: {reason}")]
    Io {
        /// The log.
        path: PathBuf,
        /// The cause, and what to do.
        reason: String,
    },
}

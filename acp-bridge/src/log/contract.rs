//! The contract of a log, in four parts; see [`crate::log`].

use std::sync::Arc;
use std::time::Duration;

use acp_types::SessionId;
use acp_types::record::{Epoch, Record, Seq};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::command::{CommandId, QueueError, QueuedCommand, TakenCommand};
use super::error::{LogError, OpenError};
use super::info::{Head, SessionInfo};
use super::member::{Member, MemberId, Renewal};
use super::query::{Filter, ListQuery, ReadLimit};

/// Consecutive records, or why they cannot be read.
pub type ReadResult = Result<Vec<Arc<Record>>, LogError>;

/// Sessions and their records as of now.
#[async_trait]
pub trait LogView: Send + Sync {
    /// Sessions, see [`ListQuery`].
    async fn list(&self, query: ListQuery) -> Result<Vec<SessionInfo>, LogError>;

    /// One session, or `None`.
    async fn get(&self, session: &SessionId) -> Result<Option<SessionInfo>, LogError>;

    /// Records after a cursor, in order. Empty at the head. A cursor beyond the head is [`LogError::BeyondHead`], one
    /// before the retained records is [`LogError::Trimmed`]; both name the seq that would do. Control records are always
    /// retained.
    async fn read(&self, session: &SessionId, after: Seq, limit: ReadLimit, filter: Filter) -> ReadResult;
}

/// Reads sessions and their records, and follows them.
#[async_trait]
pub trait LogReader: LogView {
    /// The host that holds a session, if its lease runs.
    async fn holder(&self, session: &SessionId) -> Result<Option<MemberId>, LogError>;

    /// Follows the head of a session. The value changes after a commit, a fault or a deletion; once the log is closed or
    /// out of reach, the sender is gone. Whoever holds the receiver follows the session, see [`Signals::is_followed`].
    async fn head(&self, session: &SessionId) -> Result<tokio::sync::watch::Receiver<Head>, LogError>;
}

/// Writes sessions. A host must be a member before, see [`Signals::renew`].
///
/// Dropping the future of a call does not undo it: the records may still be committed.
#[async_trait]
pub trait LogWriter: Send + Sync {
    /// Creates a session, held by `host` in epoch 1, with its first records (seq 1 …) in one atomic, durable step.
    async fn create(&self, session: &SessionId, host: &MemberId, records: Vec<Arc<Record>>) -> Result<(), LogError>;

    /// Takes ownership: returns the session with its new epoch. Appends of earlier epochs fail from now on (P9). While
    /// another host holds the session and its lease runs, it is [`LogError::Held`]. Who holds it already may claim it again.
    async fn claim(&self, session: &SessionId, host: &MemberId) -> Result<SessionInfo, LogError>;

    /// Gives a session up that `host` claimed in this epoch. One that it does not hold any more stays as it is.
    async fn release(&self, session: &SessionId, host: &MemberId, epoch: Epoch) -> Result<(), LogError>;

    /// Appends a batch, atomically, and returns when it is on stable storage (P2). The records' seqs must follow on
    /// each other and on the session's head, else [`LogError::Conflict`]; their epoch must be the current one, else
    /// [`LogError::Fenced`]. A log that cannot be written is [`LogError::Unwritable`]; nothing of the batch is kept.
    async fn append(&self, session: &SessionId, records: Vec<Arc<Record>>) -> Result<(), LogError>;

    /// Forgets update and extension records up to and including a seq, the head at most; returns the smallest cursor
    /// from which nothing is missing. Control records stay, so that the session can still be opened.
    async fn trim(&self, session: &SessionId, through: Seq) -> Result<Seq, LogError>;

    /// Deletes a session and its records; `false` when there was none. Whoever follows it is told by [`Head::deleted`]. When it
    /// returns, no file of the log has their text any more; so it is with what [`LogWriter::trim`] takes.
    async fn delete(&self, session: &SessionId) -> Result<bool, LogError>;
}

/// Takes commands from gateways to hosts, in order for each session and gateway, and answers back by id.
///
/// A command goes to the host that holds its session, or to any when none does. It is taken once at most: if the host that
/// took it leaves without an answer, [`QueueError::HostGone`] is the answer. The same id again, for as long as it is
/// remembered, is the same command: it has no second effect, and whoever submits it gets the one answer.
#[async_trait]
pub trait CommandQueue: Send + Sync {
    /// Sends a command and waits for its answer. Once a host has taken it, for as long as that takes. Dropping the future
    /// does not take the command back.
    async fn submit(&self, command: QueuedCommand) -> Result<Bytes, QueueError>;

    /// The commands that wait for a host, oldest first, at least one; waits while there are none. Cancel-safe.
    ///
    /// # Errors
    /// [`LogError::NotAMember`] when the host's lease is forgotten: what it has taken is answered for it by then.
    async fn take(&self, host: &MemberId) -> Result<Vec<TakenCommand>, LogError>;

    /// Answers a command. The first answer counts; one for a command that nobody knows any more is dropped.
    async fn answer(&self, command: &CommandId, answer: Bytes) -> Result<(), LogError>;
}

/// What is true only now, and stands in no record.
#[async_trait]
pub trait Signals: Send + Sync {
    /// Begins or renews the lease of a member: it is there for `term` from now on. A host must have one to claim sessions
    /// and to take commands; what clients of a gateway are there for is over with the gateway's.
    async fn renew(&self, member: &Member, term: Duration) -> Result<Renewal, LogError>;

    /// The member goes: whatever it held is free at once.
    async fn leave(&self, member: &MemberId) -> Result<(), LogError>;

    /// Whether anybody follows a session now, in any process: has what [`LogReader::head`] gave out.
    async fn is_followed(&self, session: &SessionId) -> Result<bool, LogError>;

    /// Tells every reader of a session that its host could not write: cleared by the next commit.
    async fn fault(&self, session: &SessionId, reason: &str);
}

/// All four parts, on one engine.
#[async_trait]
pub trait SessionLog: LogReader + LogWriter + CommandQueue + Signals + std::fmt::Debug + 'static {
    /// Finishes what is queued and flushes; later calls fail.
    async fn shutdown(&self);
}

/// Opens logs of engines that this crate does not have: `None` for a URL that is not its own.
pub type Opener = fn(&str) -> Option<BoxFuture<'static, Result<Arc<dyn SessionLog>, OpenError>>>;

//! The session log: where gateway and host meet, and the only place.
//!
//! [`SessionLog`] is one trait with one shared test suite, `tests/log_suite.rs`. A host claims a session, appends
//! records and takes commands; a gateway reads, tails and submits commands. Neither holds anything of the other.

mod bus;
mod directory;
mod error;
mod hub;
mod info;
mod limit;
mod memory;
pub mod portable;
pub mod retention;
mod sqlite;
mod tail;

use std::path::PathBuf;
use std::sync::Arc;

use acp_types::SessionId;
use acp_types::record::{Record, Seq};
use async_trait::async_trait;

pub(crate) use bus::Arrival;
pub use bus::{Bus, Envelope, Inbox};
pub use error::{LogError, OpenError};
pub use hub::Head;
pub use info::SessionInfo;
pub use memory::MemoryLog;
pub use sqlite::{Adopted, Checked, Compacted, Durability, SqliteLog, SqliteView};
pub use tail::Tail;

use crate::session::{Command, Refusal, Reply};

/// Which records a read returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// All.
    All,
    /// Those that [`acp_types::record::Kind::is_control`] says matter for the session's state.
    Control,
}

/// How much one read returns at most. At least one record is returned whatever its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimit {
    /// Records.
    pub records: usize,
    /// Sum of [`Record::weight`].
    pub bytes: usize,
}

impl Default for ReadLimit {
    fn default() -> Self {
        Self { records: 1024, bytes: 512 * 1024 }
    }
}

/// Which sessions a listing returns: newest first by creation, stable while sessions are added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Only those with this working directory, however it is written: compared are the directories.
    pub cwd: Option<String>,
    /// Only those after this one in the listing.
    pub after: Option<SessionId>,
    /// At most so many; `0` means 100.
    pub limit: usize,
}

/// A durable, ordered log per session, and the way from clients to hosts.
///
/// Dropping the future of a writing call does not undo it: the records may still be committed.
#[async_trait]
pub trait SessionLog: Send + Sync + std::fmt::Debug + 'static {
    /// Creates a session, claimed in epoch 1, with its first records (seq 1 …) in one atomic, durable step.
    async fn create(&self, session: &SessionId, records: Vec<Arc<Record>>) -> Result<(), LogError>;

    /// Sessions, see [`ListQuery`].
    async fn list(&self, query: ListQuery) -> Result<Vec<SessionInfo>, LogError>;

    /// One session, or `None`.
    async fn get(&self, session: &SessionId) -> Result<Option<SessionInfo>, LogError>;

    /// Deletes a session and its records; `false` when there was none. Tails of it end with [`LogError::NotFound`]. When it
    /// returns, no file of the log has their text any more; so it is with what [`SessionLog::trim`] takes.
    async fn delete(&self, session: &SessionId) -> Result<bool, LogError>;

    /// Takes ownership: returns the session with its new epoch. Appends of earlier epochs fail from now on (P9).
    async fn claim(&self, session: &SessionId) -> Result<SessionInfo, LogError>;

    /// Appends a batch, atomically, and returns when it is on stable storage (P2). The records' seqs must follow on
    /// each other and on the session's head, else [`LogError::Conflict`]; their epoch must be the current one, else
    /// [`LogError::Fenced`]. A log that cannot be written is [`LogError::Unwritable`]; nothing of the batch is kept.
    async fn append(&self, session: &SessionId, records: Vec<Arc<Record>>) -> Result<(), LogError>;

    /// Records after a cursor, in order. Empty at the head. A cursor beyond the head is [`LogError::BeyondHead`], one
    /// before the retained records is [`LogError::Trimmed`]; both name the seq that would do. Control records are always
    /// retained.
    async fn read(
        &self,
        session: &SessionId,
        after: Seq,
        limit: ReadLimit,
        filter: Filter,
    ) -> Result<Vec<Arc<Record>>, LogError>;

    /// Forgets update and extension records up to and including a seq, the head at most; returns the smallest cursor
    /// from which nothing is missing. Control records stay, so that the session can still be opened.
    async fn trim(&self, session: &SessionId, through: Seq) -> Result<Seq, LogError>;

    /// Follows the head of a session. The value changes after a commit, a fault or a deletion.
    async fn head(&self, session: &SessionId) -> Result<tokio::sync::watch::Receiver<Head>, LogError>;

    /// Whether anybody follows a session now: has what [`Self::head`] gave out.
    fn is_followed(&self, session: &SessionId) -> bool;

    /// Tells every reader of a session that its host could not write: ephemeral, cleared by the next commit.
    fn fault(&self, session: &SessionId, reason: &str);

    /// The way from gateways to hosts. At most once; acknowledged by the host's reply.
    fn bus(&self) -> &Bus;

    /// Finishes what is queued and flushes; later calls fail.
    async fn shutdown(&self);
}

/// Opens the log that a `--log` URL names: `sqlite:FILE` or `memory:`.
///
/// # Errors
/// See [`OpenError`]; each says what to do.
pub async fn open(url: &str, durability: Durability) -> Result<Arc<dyn SessionLog>, OpenError> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Arc::new(MemoryLog::new())),
        Some(("sqlite", path)) if !path.is_empty() => {
            Ok(Arc::new(SqliteLog::open(PathBuf::from(path), durability).await?))
        }
        _ => Err(OpenError::Url { url: url.into() }),
    }
}

/// Tails a session from a cursor: history, then live, each record once and in order (P3).
///
/// # Errors
/// As [`SessionLog::read`].
pub async fn tail(log: Arc<dyn SessionLog>, session: SessionId, after: Seq) -> Result<Tail, LogError> {
    Tail::open(log, session, after).await
}

/// What a submitted command comes to.
pub type Answer = Result<Reply, Refusal>;

/// Sends a command to the host of a session, or to hosts in general, and waits for the answer.
///
/// # Errors
/// The host's own refusal; [`Refusal::NoHost`] when none takes commands, [`Refusal::HostGone`] when it went away before it
/// answered.
pub async fn submit(log: &dyn SessionLog, session: Option<SessionId>, client: Arc<str>, command: Command) -> Answer {
    log.bus().submit(session, client, command).await
}

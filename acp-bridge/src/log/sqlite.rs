//! The log in one SQLite file.
//!
//! One thread writes and commits whatever has queued while the last commit ran (group commit); a small append that finds
//! nothing queued is committed by its caller, since to wake a thread takes longer. Readers near the head are served from
//! the [`Hub`] and all others by a few read-only connections. Checkpoints run on a connection of their own, so that no
//! commit pays for one. The file can be read with the `sqlite3` tool while the bridge runs: the view `records` shows it in
//! readable form.

mod big;
mod check;
mod checkpointer;
mod compact;
mod connection;
mod erasure;
mod failure;
mod garbage;
mod import;
mod job;
mod lock;
mod owner;
mod pace;
mod place;
mod readers;
mod row;
mod schema;
mod store;
mod thread;
mod tidying;
mod view;
mod wal_room;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use acp_types::SessionId;
use acp_types::record::{Epoch, Record, Seq};
use async_trait::async_trait;
use tokio::sync::watch;

pub use self::check::Checked;
pub use self::compact::Compacted;
pub use self::connection::Durability;
pub use self::import::SqliteImport;
use self::job::{Done, Work};
pub use self::owner::{Adopted, Adoption, Rewrite};
use self::readers::Readers;
pub use self::view::SqliteView;
use self::writer::{Desk, Writer};
use super::coordination::{Coordination, InProcess};
use super::hub::{Bounds, Hub};
use super::{
    Filter, Head, ListQuery, LogError, LogReader, LogView, LogWriter, MemberId, OpenError, ReadLimit, ReadResult,
    SessionInfo, SessionLog,
};

/// A log in one SQLite file, held by one bridge at a time.
///
/// Call [`SessionLog::shutdown`] to close it; one that is only dropped closes in the background, a little later.
#[derive(Debug)]
pub struct SqliteLog {
    desk: Desk,
    readers: Arc<Readers>,
    hub: Arc<Hub>,
    coordination: Coordination,
    closed: AtomicBool,
}

impl SqliteLog {
    /// Opens a log, or makes a new one where there is no file. Keeps a lock on it until it is closed, by whatever name the
    /// file is called; `FILE.lock` has the number of this process.
    ///
    /// # Errors
    /// When another bridge has it, when it is of a newer version, damaged, not a log at all, or cannot be opened.
    pub async fn open(path: impl Into<PathBuf>, durability: Durability) -> Result<Self, OpenError> {
        let path = path.into();
        let given = path.clone();
        let opened = tokio::task::spawn_blocking(move || Self::open_blocking(&path, durability)).await;
        opened.unwrap_or_else(|e| Err(OpenError::Io { path: given, reason: format!("opening it was cut short: {e}") }))
    }

    fn open_blocking(given: &Path, durability: Durability) -> Result<Self, OpenError> {
        let path = place::of(given)?;
        let hub = Arc::new(Hub::new(Bounds::default()));
        let readers = Arc::new(Readers::new(path.clone()));
        let (desk, shared, jobs) = Desk::new(Writer::open(&path, durability, &hub, Arc::clone(&readers))?);
        thread::start(shared, jobs).map_err(|error| failure::io(&path, &error))?;
        Ok(Self { desk, readers, hub, coordination: Coordination::default(), closed: AtomicBool::new(false) })
    }

    /// Reads a whole log and says whether every record that it promises is there. A bridge may be using it meanwhile. Takes
    /// time in proportion to its size.
    ///
    /// # Errors
    /// What is wrong with it, as for [`SqliteLog::open`].
    pub fn check(path: &Path) -> Result<Checked, OpenError> {
        Self::check_each(path, |_, _| Ok(()))
    }

    /// The same, and has each record looked at, session by session and in order; the first that is kept of a session has
    /// the seq 1. Why one is not as it should be goes into the error.
    ///
    /// # Errors
    /// As for [`SqliteLog::check`]; the message names session and record.
    pub fn check_each(
        path: &Path,
        each: impl FnMut(&SessionInfo, &Record) -> Result<(), String>,
    ) -> Result<Checked, OpenError> {
        check::check(path, each)
    }

    /// The process that has the log at `path` open for writing, a bridge or a command; `None` when none has. The inner one
    /// is `None` while that process begins.
    ///
    /// # Errors
    /// When the lock cannot be looked at.
    pub fn holder(path: &Path) -> Result<Option<Option<u32>>, OpenError> {
        lock::holder(&place::of(path)?)
    }

    /// Gives the space of deleted and trimmed records back to the file system. No bridge may have the log open. Takes
    /// time, and meanwhile disk space, in proportion to what is kept.
    ///
    /// # Errors
    /// When the log is in use, and as for [`SqliteLog::open`].
    pub fn compact(path: &Path) -> Result<Compacted, OpenError> {
        compact::compact(path)
    }

    /// The id that the log was given by [`SqliteLog::adopt`]; `None` when it has none.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn id(&self) -> Result<Option<String>, LogError> {
        self.still_open()?;
        self.readers.run(|connection, _| owner::id(connection).map_err(|e| failure::read(&e))).await
    }

    /// Takes over a log that may have been written by somebody else, in one step: see [`Adoption`].
    ///
    /// # Errors
    /// When the log cannot be written.
    pub async fn adopt(&self, adoption: Adoption) -> Result<Adopted, LogError> {
        match self.run(Work::Adopt(adoption)).await? {
            Done::Adopted(adopted) => Ok(adopted),
            _ => Ok(Adopted::default()),
        }
    }

    /// Why other users may write into the log at `path`, or may have: it is to be asked before the log is opened, which
    /// takes in what stands beside the file. `None` when nobody else can, or there is no log.
    #[must_use]
    pub fn written_by_others(path: &Path) -> Option<String> {
        owner::written_by_others(&place::of(path).ok()?)
    }

    /// The files of the log at `path` that other users may read.
    #[must_use]
    pub fn read_by_others(path: &Path) -> Vec<PathBuf> {
        place::of(path).map(|path| owner::read_by_others(&path)).unwrap_or_default()
    }

    /// Bounds the size of the database file, in bytes; what does not fit fails with [`LogError::Unwritable`]. A file
    /// that is larger already does not shrink. The write-ahead log next to it is not counted.
    ///
    /// # Errors
    /// When the log is closed.
    pub async fn limit_size(&self, bytes: u64) -> Result<(), LogError> {
        self.run(Work::LimitSize { bytes }).await.map(drop)
    }

    /// Has the writer do something and waits until it is on stable storage.
    async fn run(&self, work: Work) -> Result<Done, LogError> {
        self.desk.run(work).await
    }

    fn still_open(&self) -> Result<(), LogError> {
        if self.closed.load(Ordering::Acquire) { Err(LogError::Closed) } else { Ok(()) }
    }
}

#[async_trait]
impl LogView for SqliteLog {
    async fn list(&self, query: ListQuery) -> Result<Vec<SessionInfo>, LogError> {
        self.still_open()?;
        self.readers.run(move |connection, _| readers::list(connection, &query)).await
    }

    async fn get(&self, session: &SessionId) -> Result<Option<SessionInfo>, LogError> {
        self.still_open()?;
        let session = session.clone();
        self.readers.run(move |connection, _| readers::get(connection, &session)).await
    }

    async fn read(&self, session: &SessionId, after: Seq, limit: ReadLimit, filter: Filter) -> ReadResult {
        self.still_open()?;
        if filter == Filter::All
            && let Some(recent) = self.hub.recent(session, after, limit)
        {
            return recent;
        }
        let session = session.clone();
        self.readers.run(move |connection, big| readers::read(connection, big, &session, after, limit, filter)).await
    }
}

#[async_trait]
impl LogReader for SqliteLog {
    async fn holder(&self, session: &SessionId) -> Result<Option<MemberId>, LogError> {
        self.still_open()?;
        Ok(self.coordination.holder(session))
    }

    async fn head(&self, session: &SessionId) -> Result<watch::Receiver<Head>, LogError> {
        self.still_open()?;
        // Followed before the store is asked, so that no commit can fall in between.
        let watch = self.hub.watch(session);
        if let Some(receiver) = watch.known() {
            return Ok(receiver);
        }
        match self.get(session).await? {
            Some(info) => Ok(watch.fill(info.head, info.oldest)),
            None => {
                self.hub.unwatch(session, watch);
                Err(LogError::NotFound { session: session.clone() })
            }
        }
    }
}

#[async_trait]
impl LogWriter for SqliteLog {
    async fn create(&self, session: &SessionId, host: &MemberId, records: Vec<Arc<Record>>) -> Result<(), LogError> {
        self.coordination.admit(host)?;
        // Nobody else can claim a session that is not there yet.
        self.run(Work::Create { session: session.clone(), records }).await?;
        self.coordination.claim(session, host)?;
        self.coordination.claimed(session, host, 1);
        Ok(())
    }

    async fn claim(&self, session: &SessionId, host: &MemberId) -> Result<SessionInfo, LogError> {
        self.still_open()?;
        self.coordination.claim(session, host)?;
        let claimed = match self.run(Work::Claim { session: session.clone() }).await {
            Ok(Done::Claimed(info)) => Ok(*info),
            Ok(_) => Err(LogError::NotFound { session: session.clone() }),
            Err(error) => Err(error),
        };
        match &claimed {
            Ok(info) => self.coordination.claimed(session, host, info.epoch),
            Err(_) => self.coordination.unclaim(session, host),
        }
        claimed
    }

    async fn release(&self, session: &SessionId, host: &MemberId, epoch: Epoch) -> Result<(), LogError> {
        self.still_open()?;
        self.coordination.release(session, host, epoch);
        Ok(())
    }

    async fn append(&self, session: &SessionId, records: Vec<Arc<Record>>) -> Result<(), LogError> {
        self.run(Work::Append { session: session.clone(), records }).await.map(drop)
    }

    async fn trim(&self, session: &SessionId, through: Seq) -> Result<Seq, LogError> {
        match self.run(Work::Trim { session: session.clone(), through }).await? {
            Done::Moved { oldest, .. } => Ok(oldest),
            _ => Err(LogError::NotFound { session: session.clone() }),
        }
    }

    async fn delete(&self, session: &SessionId) -> Result<bool, LogError> {
        let done = self.run(Work::Delete { session: session.clone() }).await?;
        self.coordination.deleted(session);
        Ok(matches!(done, Done::Deleted))
    }
}

impl InProcess for SqliteLog {
    fn coordination(&self) -> &Coordination {
        &self.coordination
    }

    fn hub(&self) -> &Hub {
        &self.hub
    }
}

#[async_trait]
impl SessionLog for SqliteLog {
    async fn shutdown(&self) {
        self.closed.store(true, Ordering::Release);
        self.readers.close().await;
        // Fails when the writer has stopped already.
        let _ = self.run(Work::Shutdown).await;
        self.coordination.close();
        self.hub.close();
    }
}

//! A log as a file: opening it, looking at it, and what is asked of it as a whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use acp_types::record::Record;

use super::check::{self, Checked};
use super::compact::{self, Compacted};
use super::connection::Durability;
use super::job::{Done, Work};
use super::owner::{self, Adopted, Adoption};
use super::readers::Readers;
use super::writer::{SqliteLog, Writer};
use super::{failure, lock, place, thread};
use crate::log::hub::{Bounds, Hub};
use crate::log::{LogError, OpenError, SessionInfo};

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
        let writer = Writer::open(&path, durability, &hub, Arc::clone(&readers))?;
        let (log, shared, jobs) = Self::new(writer, readers, hub);
        thread::start(shared, jobs).map_err(|error| failure::io(&path, &error))?;
        Ok(log)
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
}

//! One session written as a whole, in one transaction, into a log that no bridge has open.

use std::path::{Path, PathBuf};

use acp_types::SessionId;
use acp_types::record::Record;
use rusqlite::Connection;

use super::connection::Durability;
use super::lock::FileLock;
use super::{connection, failure, place, row, schema};
use crate::log::{LogError, OpenError, SessionInfo};

/// A session on its way into a log. Nobody sees any of it before [`Self::commit`]; dropped before, or when the process
/// dies, nothing of it is left.
///
/// What does not fit the cache goes to the write-ahead log, so memory stays bounded.
#[derive(Debug)]
pub struct SqliteImport {
    /// Closed before the lock is given back.
    connection: Connection,
    path: PathBuf,
    /// `0` before there is a session.
    number: i64,
    _lock: FileLock,
}

impl SqliteImport {
    /// Opens a log for a session from elsewhere; it is made when there is none.
    ///
    /// # Errors
    /// When the log is in use, and as for [`super::SqliteLog::open`].
    pub fn begin(path: &Path) -> Result<Self, OpenError> {
        let path = place::of(path)?;
        schema::refuse_foreign(&path)?;
        let lock = FileLock::take(&path)?;
        schema::refuse_truncated(&path)?;
        let connection = connection::writer(&path, Durability::Fsync)?;
        // It is taken back when the connection is dropped.
        connection.execute_batch("BEGIN IMMEDIATE").map_err(|e| failure::open(&path, &e))?;
        Ok(Self { connection, path, number: 0, _lock: lock })
    }

    /// The log without symbolic links.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes room for the session.
    ///
    /// # Errors
    /// [`LogError::Exists`] when the log has a session of that id; [`LogError::Unwritable`].
    pub fn create(&mut self, session: &SessionId) -> Result<(), LogError> {
        let sql = |e: rusqlite::Error| failure::write(&e);
        if row::find_session(&self.connection, session).map_err(sql)?.is_some() {
            return Err(LogError::Exists { session: session.clone() });
        }
        self.connection.execute(row::INSERT_SESSION, [session.as_str()]).map_err(sql)?;
        let number = self.connection.last_insert_rowid();
        if number > row::MAX_SESSION {
            return Err(row::no_more_sessions());
        }
        self.number = number;
        Ok(())
    }

    /// Writes its next record. Whether it follows on those before it is for the caller to know.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn push(&mut self, record: &Record) -> Result<(), LogError> {
        let insert = || {
            let mut insert = self.connection.prepare_cached(row::INSERT_RECORD)?;
            row::insert(&mut insert, self.number, record)
        };
        insert().map_err(|e| failure::write(&e))
    }

    /// Makes the session durable and visible, as it is after its last record.
    ///
    /// # Errors
    /// When the log cannot be written; nothing of the session is in it then.
    pub fn commit(self, info: &SessionInfo) -> Result<(), LogError> {
        let commit = || {
            let mut update = self.connection.prepare_cached(row::UPDATE_SESSION)?;
            row::update_session(&mut update, self.number, info)?;
            self.connection.execute_batch("COMMIT")
        };
        commit().map_err(|e| failure::write(&e))
    }
}

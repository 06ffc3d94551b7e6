//! Giving space back.

use std::path::Path;

use rusqlite::Connection;

use super::connection::Durability;
use super::lock::FileLock;
use super::{check, checkpointer, connection, failure, garbage, place, schema};
use crate::log::OpenError;

/// What compacting came to: bytes of the file and of its write-ahead log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compacted {
    /// Before.
    pub before: u64,
    /// After.
    pub after: u64,
}

/// See [`super::SqliteLog::compact`].
pub(super) fn compact(path: &Path) -> Result<Compacted, OpenError> {
    let path = place::of(path)?;
    check::refuse_missing(&path)?;
    schema::refuse_foreign(&path)?;
    let _lock = FileLock::take(&path)?;
    schema::refuse_truncated(&path)?;
    let before = size(&path);
    let connection = connection::writer(&path, Durability::Fsync)?;
    let moved = rewrite(&connection).map_err(|e| failure::open(&path, &e))?;
    // The last connection to close removes the write-ahead log.
    drop(connection);
    if !moved {
        let reason = "another program is reading it; end that one and compact again".to_owned();
        return Err(OpenError::Io { path, reason });
    }
    Ok(Compacted { before, after: size(&path) })
}

/// Removes what is marked, writes the rest anew without the holes, and moves it into the file; `false` when a reader
/// was in the way of the last.
fn rewrite(connection: &Connection) -> rusqlite::Result<bool> {
    loop {
        let transaction = connection.unchecked_transaction()?;
        let more = garbage::collect(&transaction)?;
        transaction.commit()?;
        if !more {
            break;
        }
    }
    connection.execute_batch("VACUUM")?;
    checkpointer::checkpoint(connection, "TRUNCATE")
}

fn size(path: &Path) -> u64 {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    length(path) + length(&place::wal_path(path))
}

//! How the file is opened, by its writer and by its readers.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{failure, schema};
use crate::log::OpenError;

/// How long a write waits for another program that holds the write lock.
pub(super) const BUSY: Duration = Duration::from_secs(2);

/// Page cache of the writer: the inner pages of the tables and the pages of one commit.
const WRITER_CACHE_KIB: i64 = 1024;
/// Page cache of a reader, which goes through a session once.
const READER_CACHE_KIB: i64 = 256;

/// Statements kept prepared by a connection: all that this module has.
const STATEMENTS: usize = 32;

/// What an acknowledged append survives (P2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// A crash of the bridge, of the machine, and a power cut: each commit waits until the disk has it.
    #[default]
    Fsync,
    /// A crash of the bridge. After a power cut the newest records may be missing, in order and without gaps.
    Os,
}

/// Opens the file for writing; makes it when it is missing, and brings it to the current version.
pub(super) fn writer(path: &Path, durability: Durability) -> Result<Connection, OpenError> {
    create(path)?;
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    schema::prepare(&connection, path)?;
    configure_writer(&connection, durability).map_err(|e| failure::open(path, &e))?;
    let mode: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(|e| failure::open(path, &e))?;
    if mode != "wal" {
        let reason = format!("its file system allows no write-ahead log (mode {mode}); put it on a local disk");
        return Err(OpenError::Io { path: path.into(), reason });
    }
    Ok(connection)
}

/// Opens the file for checkpoints.
pub(super) fn checkpointer(path: &Path) -> Result<Connection, OpenError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let configured = connection.pragma_update(None, "synchronous", "FULL").and_then(|()| full_fsync(&connection));
    configured.map_err(|e| failure::open(path, &e))?;
    Ok(connection)
}

/// Opens the file for reading.
pub(super) fn reader(path: &Path) -> Result<Connection, OpenError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB).map_err(|e| failure::open(path, &e))?;
    Ok(connection)
}

/// Files of a log are for their owner: they hold whole conversations.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn open(path: &Path, access: OpenFlags) -> Result<Connection, OpenError> {
    // Each connection stays with one thread at a time, so SQLite need not lock it.
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|e| failure::open(path, &e))?;
    connection.busy_timeout(BUSY).map_err(|e| failure::open(path, &e))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Makes the file if there is none.
pub(super) fn create(path: &Path) -> Result<(), OpenError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    match private(&mut options).open(path) {
        Ok(_) => sync_directory(path).map_err(|e| failure::io(path, &e)),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(failure::io(path, &e)),
    }
}

/// SQLite makes the contents durable; that the file has a name is left to whoever created it.
fn sync_directory(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(parent) if cfg!(unix) => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

fn configure_writer(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    let synchronous = match durability {
        Durability::Fsync => "FULL",
        Durability::Os => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    full_fsync(connection)?;
    // What is deleted is overwritten. Appends do not notice: they free nothing.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)
}

/// Where fsync does not reach the medium (macOS), ask for the call that does; elsewhere it changes nothing.
fn full_fsync(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)
}

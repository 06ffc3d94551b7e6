//! Whether a log is sound, for `doctor`.

use std::path::Path;

use rusqlite::Connection;

use super::{connection, failure, schema};
use crate::log::OpenError;

/// Sessions whose row promises records that are not there. Trimmed ones keep what is newer than the trim.
const INCOMPLETE: &str = "SELECT id, head, oldest FROM session WHERE head - oldest <> (
    SELECT count(*) FROM record
    WHERE key > (number << 36) + oldest AND key <= (number << 36) + head) LIMIT 1";

/// See [`super::SqliteLog::check`].
pub(super) fn check(path: &Path) -> Result<(), OpenError> {
    refuse_missing(path)?;
    schema::refuse_foreign(path)?;
    schema::refuse_truncated(path)?;
    let connection = connection::reader(path)?;
    if schema::version(&connection, path)? == 0 {
        // Made by a bridge that was stopped before it wrote anything.
        return Ok(());
    }
    let corrupt = |reason| OpenError::Corrupt { path: path.into(), reason };
    let verdict: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|e| failure::open(path, &e))?;
    if verdict != "ok" {
        return Err(corrupt(verdict));
    }
    match incomplete(&connection).map_err(|e| failure::open(path, &e))? {
        Some(what) => Err(corrupt(what)),
        None => Ok(()),
    }
}

/// Refuses a path where nothing is; what only looks at a log makes none.
pub(super) fn refuse_missing(path: &Path) -> Result<(), OpenError> {
    if path.exists() {
        return Ok(());
    }
    let reason = "there is no such file; `serve` creates it".to_owned();
    Err(OpenError::Io { path: path.into(), reason })
}

fn incomplete(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let mut statement = connection.prepare(INCOMPLETE)?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let (id, head, oldest): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(Some(format!("session {id} lacks some of its records after {oldest} up to {head}")))
}

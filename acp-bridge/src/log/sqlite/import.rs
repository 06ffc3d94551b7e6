//! Taking a session in from an export, in one transaction.

use std::io::BufRead;
use std::path::Path;

use acp_types::SessionId;
use rusqlite::Connection;

use super::lock::FileLock;
use super::{Durability, connection, failure, place, row, schema, store};
use crate::log::LogError;
use crate::log::portable::{ImportError, Imported, Intake, Lines};

/// See [`super::SqliteLog::import`].
pub(super) fn import(
    path: &Path,
    export: impl BufRead,
    new_id: Option<SessionId>,
    now: u64,
) -> Result<Imported, ImportError> {
    let mut lines = Lines::new(export);
    // Before the log is touched: most of what is no export shows here.
    let begun = Intake::begin(lines.next()?.unwrap_or_default(), new_id);
    let intake = begun.map_err(|error| lines.wrong(error))?;

    let path = place::of(path)?;
    schema::refuse_foreign(&path)?;
    let _lock = FileLock::take(&path)?;
    schema::refuse_truncated(&path)?;
    let connection = connection::writer(&path, Durability::Fsync)?;
    let sql = |e: rusqlite::Error| ImportError::Log(failure::write(&e));
    // It is taken back when it is dropped, and when the process dies.
    let immediate = rusqlite::TransactionBehavior::Immediate;
    let transaction = rusqlite::Transaction::new_unchecked(&connection, immediate).map_err(sql)?;
    if store::find(&transaction, intake.id()).map_err(sql)?.is_some() {
        return Err(ImportError::Exists { session: intake.id().clone(), path });
    }
    let imported = write(&transaction, &mut lines, intake, now)?;
    transaction.commit().map_err(sql)?;
    Ok(imported)
}

/// Writes records as they come. What does not fit the cache goes to the write-ahead log, so memory stays bounded.
fn write<R: BufRead>(
    connection: &Connection,
    lines: &mut Lines<R>,
    mut intake: Intake,
    now: u64,
) -> Result<Imported, ImportError> {
    let sql = |e: rusqlite::Error| ImportError::Log(failure::write(&e));
    connection.execute(store::INSERT_SESSION, [intake.id().as_str()]).map_err(sql)?;
    let number = connection.last_insert_rowid();
    if number > row::MAX_SESSION {
        let reason = "it has had as many sessions as it can; start a new one with --log".to_owned();
        return Err(LogError::Unwritable { reason }.into());
    }
    let mut insert = connection.prepare(store::INSERT_RECORD).map_err(sql)?;
    while let Some(line) = lines.next()? {
        let parsed = intake.record(line);
        let record = parsed.map_err(|error| lines.wrong(error))?;
        row::insert(&mut insert, number, &record).map_err(sql)?;
    }
    let imported = intake.finish(now).map_err(|error| lines.wrong(error))?;
    row::insert(&mut insert, number, &imported.record).map_err(sql)?;
    let mut update = connection.prepare(store::UPDATE_SESSION).map_err(sql)?;
    store::update_session(&mut update, number, &imported.session).map_err(sql)?;
    Ok(imported)
}

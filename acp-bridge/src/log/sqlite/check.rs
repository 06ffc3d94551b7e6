//! Check of a log: every record that it promises is there and is JSON.

use std::path::Path;

use acp_types::record::{Epoch, Record};
use rusqlite::{Connection, params};

use super::row::{self, Reader};
use super::{connection, failure, place, schema};
use crate::log::{LogError, OpenError, SessionInfo};

/// Counts of what was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// Sessions.
    pub sessions: u64,
    /// Their records.
    pub records: u64,
}

/// See [`super::SqliteLog::check_each`].
pub(super) fn check(
    path: &Path,
    mut each: impl FnMut(&SessionInfo, &Record) -> Result<(), String>,
) -> Result<Checked, OpenError> {
    let path = &*place::of(path)?;
    refuse_missing(path)?;
    schema::refuse_foreign(path)?;
    schema::refuse_truncated(path)?;
    let connection = connection::reader(path)?;
    let version = schema::version(&connection, path)?;
    if version == 0 {
        // Made by a bridge that was stopped before it wrote anything.
        return Ok(Checked::default());
    }
    let failed = |e: rusqlite::Error| failure::open(path, &e);
    let corrupt = |reason| OpenError::Corrupt { path: path.into(), reason };
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if verdict != "ok" {
        return Err(corrupt(verdict));
    }
    let mut checked = Checked::default();
    let mut number = 0;
    loop {
        // One session is of one moment; between two of them a bridge gets on.
        let snapshot = connection.unchecked_transaction().map_err(failed)?;
        let Some((next, info)) = session_after(&snapshot, number, version).map_err(failed)? else { break };
        let read = Session::new(&info).read(&snapshot, next, version, &mut each).map_err(failed)?;
        let records = read.map_err(|reason| corrupt(format!("session {:?}: {reason}", info.id.as_str())))?;
        checked.sessions += 1;
        checked.records += records;
        number = next;
    }
    Ok(checked)
}

/// Refuses a path where nothing is; what only looks at a log makes none.
pub(super) fn refuse_missing(path: &Path) -> Result<(), OpenError> {
    if path.exists() {
        return Ok(());
    }
    let reason = "there is no such file; `serve` creates it".to_owned();
    Err(OpenError::Io { path: path.into(), reason })
}

fn session_after(connection: &Connection, number: i64, version: i64) -> rusqlite::Result<Option<(i64, SessionInfo)>> {
    use rusqlite::OptionalExtension;
    // Version 1 did not count bytes.
    let bytes = if version < 2 { "0" } else { "bytes" };
    let sql = format!(
        "SELECT id, cwd, title, created_at, updated_at, epoch, head, oldest, open_turns, number, {bytes} FROM session
         WHERE number > ?1 ORDER BY number LIMIT 1"
    );
    connection.prepare_cached(&sql)?.query_row([number], row::session).optional()
}

/// One session while it is read, from its first record to its last.
struct Session<'a> {
    info: &'a SessionInfo,
    epoch: Epoch,
    found: SessionInfo,
    records: u64,
}

impl<'a> Session<'a> {
    fn new(info: &'a SessionInfo) -> Self {
        Self { info, epoch: 0, found: SessionInfo::new(info.id.clone()), records: 0 }
    }

    /// The number of its records; the inner error is what is wrong with it.
    fn read(
        mut self,
        connection: &Connection,
        number: i64,
        version: i64,
        mut each: impl FnMut(&SessionInfo, &Record) -> Result<(), String>,
    ) -> rusqlite::Result<Result<u64, String>> {
        // Links came with version 3.
        let position = if version < 3 { "NULL" } else { "position" };
        let sql = format!(
            "SELECT key, at, epoch, lane, origin, kind, turn, body, {position} FROM record
             WHERE key > ?1 AND key <= ?2 AND (key > ?3 OR kind NOT IN ('update', 'extension')) ORDER BY key"
        );
        let bounds = params![row::key(number, 0), row::key(number, self.info.head), row::key(number, self.info.oldest)];
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(bounds)?;
        let mut reader = Reader::default();
        while let Some(row) = rows.next()? {
            let record = match reader.record(row) {
                Ok(record) => record,
                Err(LogError::Corrupt { reason }) => return Ok(Err(reason)),
                Err(other) => return Ok(Err(other.to_string())),
            };
            if let Err(reason) = self.take(&record).and_then(|()| each(self.info, &record)) {
                return Ok(Err(format!("record {}: {reason}", record.seq)));
            }
        }
        Ok(self.end())
    }

    fn take(&mut self, record: &Record) -> Result<(), String> {
        let (last, oldest) = (self.found.head, self.info.oldest);
        // What was trimmed leaves gaps, and nothing else does.
        let expected = if record.seq > oldest { last.max(oldest) + 1 } else { record.seq };
        if record.seq != expected || last == 0 && record.seq != 1 {
            return Err(format!("it follows on {last}, and those between them are missing"));
        }
        if record.epoch > self.info.epoch || record.epoch < self.epoch {
            return Err(format!("its epoch {} does not follow on {}", record.epoch, self.epoch));
        }
        self.epoch = record.epoch;
        self.found.apply(record);
        self.records += 1;
        Ok(())
    }

    fn end(self) -> Result<u64, String> {
        let Self { info, found, records, .. } = self;
        let last = found.head.max(info.oldest);
        if last < info.head {
            return Err(format!("it lacks its records after {last} up to {}", info.head));
        }
        if found.cwd != info.cwd || found.title != info.title {
            return Err("its directory or title is not what its records say".to_owned());
        }
        Ok(records)
    }
}

//! Whose log it is: its files, its id, and what becomes of one that somebody else may have written.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use acp_types::record::body::SessionDisarmed;
use acp_types::record::{Kind, Origin, Record};
use acp_types::{Raw, RawBuf, SessionId};
use rusqlite::{Connection, OptionalExtension, params};

use crate::log::SessionInfo;
use crate::session::{self, FingerprintKey};

const REASON: &str = "the log was not written by a bridge of this user, or is a copy of one that was";

/// Bits of a file's mode.
const OTHERS_READ: u32 = 0o044;
const OTHERS_WRITE: u32 = 0o022;

/// What it came to that a log was taken over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Adopted {
    /// Sessions that were disarmed.
    pub disarmed: u64,
    /// Records that definitions of MCP servers were taken out of.
    pub stripped: u64,
}

/// The id of a log; `None` before one was given to it.
pub(super) fn id(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT id FROM log LIMIT 1", [], |row| row.get(0)).optional()
}

/// Why somebody else may write into a log or may have; `None` when nobody can.
pub(super) fn written_by_others(path: &Path) -> Option<String> {
    let us = rustix::process::geteuid().as_raw();
    files(path).into_iter().find_map(|(path, found)| {
        if found.uid() != us {
            return Some(format!("{} belongs to another user", path.display()));
        }
        let open = found.mode() & OTHERS_WRITE != 0;
        open.then(|| format!("other users may write {}", path.display()))
    })
}

/// The files of a log that others may read.
pub(super) fn read_by_others(path: &Path) -> Vec<PathBuf> {
    let open = files(path).into_iter().filter(|(_, found)| found.mode() & OTHERS_READ != 0);
    open.map(|(path, _)| path).collect()
}

/// Those that there are.
fn files(path: &Path) -> Vec<(PathBuf, std::fs::Metadata)> {
    let beside = |suffix: &str| {
        let mut name = OsString::from(path);
        name.push(suffix);
        PathBuf::from(name)
    };
    let names = ["", "-wal", "-shm", "-journal", ".lock"].map(beside);
    names.into_iter().filter_map(|path| std::fs::metadata(&path).ok().map(|found| (path, found))).collect()
}

/// Sessions whose newest record is not one that disarms them. A record of that kind further back may be a part of what
/// was written elsewhere.
pub(super) fn armed(connection: &Connection) -> rusqlite::Result<Vec<SessionId>> {
    let sql = "SELECT id FROM session WHERE NOT EXISTS (
        SELECT 1 FROM record WHERE key = (number << 36) + head AND kind = 'session_disarmed')";
    let mut statement = connection.prepare(sql)?;
    let ids = statement.query_map([], |row| Ok(SessionId::from(row.get::<_, String>(0)?)))?;
    ids.collect()
}

/// The next record of a session, which disarms it.
pub(super) fn disarming(info: &SessionInfo, at: u64) -> Record {
    let body = SessionDisarmed { reason: REASON.to_owned(), disarmed: Vec::new() };
    Record {
        seq: info.head + 1,
        at,
        epoch: info.epoch,
        lane: Record::MAIN_LANE.into(),
        origin: Origin::Host,
        kind: Kind::SessionDisarmed,
        turn: None,
        position: None,
        body: RawBuf::encode(&body).unwrap_or_default(),
    }
}

/// Whether a record has definitions of MCP servers.
pub(super) fn has_definitions(record: &Record) -> bool {
    matches!(record.kind, Kind::SessionCreated | Kind::AgentStarted)
        && session::without_definitions(record.body.as_raw(), &FingerprintKey::default()).is_some()
}

/// Takes the definitions of MCP servers out of the records that have some; returns how many there were.
pub(super) fn strip(connection: &Connection, key: &FingerprintKey) -> rusqlite::Result<u64> {
    // In the words of the index `record_control`, or all updates would be read.
    let sql = "SELECT key FROM record INDEXED BY record_control WHERE kind NOT IN ('update', 'extension')
               AND kind IN ('session_created', 'agent_started')";
    let keys = connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    let mut body = connection.prepare("SELECT body FROM record WHERE key = ?1")?;
    let mut update = connection.prepare("UPDATE record SET body = ?2 WHERE key = ?1")?;
    let mut stripped = 0;
    for record in keys {
        let text: String = body.query_row([record], |row| row.get(0))?;
        // What is no JSON is no definition either, and is found when it is read.
        let Some(clean) = Raw::parse(&text).ok().and_then(|body| session::without_definitions(body, key)) else {
            continue;
        };
        update.execute(params![record, clean.as_str()])?;
        stripped += 1;
    }
    Ok(stripped)
}

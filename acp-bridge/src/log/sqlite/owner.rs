//! Whose log it is: its files, its id, and what becomes of one that somebody else may have written.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use acp_types::record::{Kind, Origin, Record};
use acp_types::{Raw, RawBuf, SessionId};
use rusqlite::{Connection, OptionalExtension, params};

use crate::log::SessionInfo;

/// Bits of a file's mode.
const OTHERS_READ: u32 = 0o044;
const OTHERS_WRITE: u32 = 0o022;

/// Records that a log is taken over with, all of it in one step. What they mean is for the caller to know.
#[expect(clippy::exhaustive_structs, reason = "made by whoever takes a log over")]
pub struct Adoption {
    /// The id that the log is to have.
    pub id: String,
    /// Time when it is taken over, in the unit of [`Record::at`].
    pub at: u64,
    /// Kind and body of the record that each session is to end with. One whose newest record is of that kind gets no other.
    pub last: (Kind, RawBuf),
    /// Kinds of control records that may be given another body.
    pub kinds: Vec<Kind>,
    /// The body that a record of these kinds is to have, from the one that it has; `None` when it stays.
    pub rewrite: Rewrite,
}

/// Another body for a record, or none.
pub type Rewrite = Box<dyn Fn(Raw<'_>) -> Option<RawBuf> + Send>;

/// Result of taking a log over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Adopted {
    /// Sessions that got the last record.
    pub ended: u64,
    /// Records that got another body.
    pub rewritten: u64,
}

impl Adoption {
    /// The next record of a session.
    pub(super) fn last_of(&self, info: &SessionInfo) -> Record {
        let (kind, body) = self.last.clone();
        Record {
            seq: info.head + 1,
            at: self.at,
            epoch: info.epoch,
            lane: Record::MAIN_LANE.into(),
            origin: Origin::Host,
            kind,
            turn: None,
            position: None,
            body,
        }
    }
}

impl fmt::Debug for Adoption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adoption").field("id", &self.id).field("at", &self.at).finish_non_exhaustive()
    }
}

/// The id of a log; `None` before one was given to it.
pub(super) fn id(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT id FROM log LIMIT 1", [], |row| row.get(0)).optional()
}

/// Reason why somebody else may write into a log or may have; `None` when nobody can.
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

/// Sessions whose newest record is not of a kind. One of that kind further back may be a part of what was written elsewhere.
pub(super) fn not_ended_by(connection: &Connection, kind: &Kind) -> rusqlite::Result<Vec<SessionId>> {
    let sql = "SELECT id FROM session WHERE NOT EXISTS (
        SELECT 1 FROM record WHERE key = (number << 36) + head AND kind = ?1)";
    let mut statement = connection.prepare(sql)?;
    let ids = statement.query_map([kind.as_str()], |row| Ok(SessionId::from(row.get::<_, String>(0)?)))?;
    ids.collect()
}

/// Gives records the bodies that they are to have; returns how many there were.
pub(super) fn rewrite(connection: &Connection, adoption: &Adoption) -> rusqlite::Result<u64> {
    // In the words of the index `record_control`, or all updates would be read.
    let sql = "SELECT key FROM record INDEXED BY record_control WHERE kind NOT IN ('update', 'extension')
               AND kind IN (SELECT value FROM json_each(?1))";
    let kinds = serde_json::Value::from(adoption.kinds.iter().map(Kind::as_str).collect::<Vec<_>>()).to_string();
    let mut records = connection.prepare(sql)?;
    let keys = records.query_map([kinds], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    let mut body = connection.prepare("SELECT body FROM record WHERE key = ?1")?;
    let mut update = connection.prepare("UPDATE record SET body = ?2 WHERE key = ?1")?;
    let mut rewritten = 0;
    for record in keys {
        let text: String = body.query_row([record], |row| row.get(0))?;
        // What is no JSON is found when it is read.
        let Some(new) = Raw::parse(&text).ok().and_then(|body| (adoption.rewrite)(body)) else { continue };
        update.execute(params![record, new.as_str()])?;
        rewritten += 1;
    }
    Ok(rewritten)
}

//! What is in the file, and whose file it is.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::failure;
use super::place::wal_path;
use crate::log::OpenError;

/// Size of a page of the database. Small, since a small commit writes whole pages.
pub(super) const PAGE_BYTES: usize = 4096;

/// `ACPb`: marks a file as a session log (`file`, `PRAGMA application_id`).
pub(super) const APPLICATION_ID: i64 = 0x4143_5062;

/// Newest version of the schema, `PRAGMA user_version`: one step below for each.
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// From each version to the next.
///
/// A record's key is its session's number and its seq in one integer, which SQLite stores and finds half again as fast
/// as a key of two columns; `records` shows it taken apart. Updates and extensions, the bulk, are in no index: a
/// reader of the others goes by `record_control`. `garbage` says which records are deleted but still there. The cross
/// join keeps `records` in order: one session after the other.
///
/// Version 2: `bytes` is what the updates and extensions of a session weigh that are kept, so that retention by size
/// need not read them all; 64 is what [`acp_types::record::Record::weight`] adds to a body.
///
/// Version 3: `position` of records; see [`acp_types::record::Record::position`].
///
/// Version 4: the log's id, by which its host knows it again; see [`super::owner`].
const STEPS: &[&str] = &[
    "
    CREATE TABLE session (
        number     INTEGER PRIMARY KEY AUTOINCREMENT,
        id         TEXT NOT NULL UNIQUE,
        cwd        TEXT NOT NULL,
        title      TEXT,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        epoch      INTEGER NOT NULL,
        head       INTEGER NOT NULL,
        oldest     INTEGER NOT NULL,
        open_turns INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE record (
        key    INTEGER PRIMARY KEY,
        at     INTEGER NOT NULL,
        epoch  INTEGER NOT NULL,
        lane   TEXT NOT NULL,
        origin TEXT NOT NULL,
        kind   TEXT NOT NULL,
        turn   INTEGER,
        body   TEXT NOT NULL
    ) STRICT;
    CREATE INDEX record_control ON record (key) WHERE kind NOT IN ('update', 'extension');
    CREATE TABLE garbage (
        session INTEGER PRIMARY KEY,
        next    INTEGER NOT NULL,
        through INTEGER NOT NULL,
        control INTEGER NOT NULL
    ) STRICT;
    CREATE VIEW records AS
        SELECT session.id AS session,
               record.key & 0xFFFFFFFFF AS seq,
               strftime('%Y-%m-%dT%H:%M:%fZ', record.at / 1000000.0, 'unixepoch') AS time,
               record.epoch, record.lane, record.origin, record.kind, record.turn, record.body
        FROM session
        CROSS JOIN record ON record.key BETWEEN session.number << 36 AND (session.number << 36) + session.head
        WHERE record.key > (session.number << 36) + session.oldest OR record.kind NOT IN ('update', 'extension');
",
    "
    ALTER TABLE session ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
    UPDATE session SET bytes = (
        SELECT ifnull(sum(octet_length(body) + 64), 0) FROM record
        WHERE key > (number << 36) + oldest AND key <= (number << 36) + head AND kind IN ('update', 'extension')
    );
",
    "
    ALTER TABLE record ADD COLUMN position INTEGER;
    DROP VIEW records;
    CREATE VIEW records AS
        SELECT session.id AS session,
               record.key & 0xFFFFFFFFF AS seq,
               strftime('%Y-%m-%dT%H:%M:%fZ', record.at / 1000000.0, 'unixepoch') AS time,
               record.epoch, record.lane, record.origin, record.kind, record.turn, record.position, record.body
        FROM session
        CROSS JOIN record ON record.key BETWEEN session.number << 36 AND (session.number << 36) + session.head
        WHERE record.key > (session.number << 36) + session.oldest OR record.kind NOT IN ('update', 'extension');
",
    "
    CREATE TABLE log (id TEXT NOT NULL) STRICT;
",
];

/// Bytes of a SQLite header that say what it is (SQLite file format, section 1.3).
const HEADER: usize = 100;
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Refuses what is visibly somebody else's, before anything is written next to it.
pub(super) fn refuse_foreign(path: &Path) -> Result<(), OpenError> {
    let mut header = Vec::with_capacity(HEADER);
    match File::open(path) {
        Ok(file) => file.take(HEADER as u64).read_to_end(&mut header).map_err(|e| failure::io(path, &e))?,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(failure::io(path, &e)),
    };
    let reason = match header.get(68..72) {
        None if header.is_empty() => return Ok(()),
        Some(_) if !header.starts_with(MAGIC) => "it is no SQLite database".to_owned(),
        None => "it is no SQLite database".to_owned(),
        Some(id) => match id.iter().fold(0, |id, byte| id << 8 | i64::from(*byte)) {
            // Whether it is an empty database is for SQLite to say.
            APPLICATION_ID | 0 => return Ok(()),
            other => format!("it is a SQLite database of another program (application id {other:#x})"),
        },
    };
    Err(OpenError::NotALog { path: path.into(), reason })
}

/// Refuses a file that ends in the middle of a page, which SQLite would fill up with zeros.
///
/// With a write-ahead log beside it that is no damage: a checkpoint was cut short, and is done again.
pub(super) fn refuse_truncated(path: &Path) -> Result<(), OpenError> {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    if length(path) % PAGE_BYTES as u64 == 0 || length(&wal_path(path)) > 0 {
        return Ok(());
    }
    Err(OpenError::Corrupt { path: path.into(), reason: "its end is missing".to_owned() })
}

/// Checks that the file is a log of a version that is known, or empty, and brings it up to date.
pub(super) fn prepare(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let found = version(connection, path)?;
    if found < VERSION {
        migrate(connection, found).map_err(|e| failure::open(path, &e))?;
    }
    // A damaged file may have a sound header.
    let count = connection.query_row("SELECT count(*) FROM session", [], |row| row.get::<_, i64>(0));
    count.map(drop).map_err(|e| failure::open(path, &e))
}

/// The version of a log; `0` for an empty database.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<i64, OpenError> {
    let read = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|e| failure::open(path, &e));
    let found = read("PRAGMA user_version")?;
    let reason = match read("PRAGMA application_id")? {
        APPLICATION_ID if found > VERSION => {
            return Err(OpenError::Newer { path: path.into(), found, known: VERSION });
        }
        APPLICATION_ID => return Ok(found),
        0 if read("SELECT count(*) FROM sqlite_schema")? == 0 => return Ok(0),
        0 => "it is a SQLite database of another program".to_owned(),
        other => format!("it is a SQLite database of another program (application id {other:#x})"),
    };
    Err(OpenError::NotALog { path: path.into(), reason })
}

fn migrate(connection: &Connection, found: i64) -> rusqlite::Result<()> {
    let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

//! Deleting records a few at a time, so that no commit waits for a large session to go.

use std::ops::RangeInclusive;

use acp_types::record::Seq;
use rusqlite::{Connection, OptionalExtension, params};

use super::row;

/// Records looked at in one transaction: a few milliseconds.
const CHUNK: Seq = 2000;

/// Records of a session that are to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The session itself is gone.
    Everything,
    /// All that were trimmed but the control records.
    AllButControl,
}

/// Marks records of a session; they are invisible already. What comes before them is gone, or marked by an earlier call.
pub(super) fn add(
    connection: &Connection,
    session: i64,
    seqs: RangeInclusive<Seq>,
    what: What,
) -> rusqlite::Result<()> {
    // What an earlier trim has left is looked at again when everything goes.
    let sql = "INSERT INTO garbage (session, next, through, control) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (session) DO UPDATE SET through = max(through, excluded.through),
               control = max(control, excluded.control), next = min(next, excluded.next)";
    let (first, last) = (seqs.start().cast_signed(), seqs.end().cast_signed());
    let control = what == What::Everything;
    connection.prepare_cached(sql)?.execute(params![session, first, last, control]).map(drop)
}

/// Sum of [`acp_types::record::Record::weight`] of those records that a trim of these seqs takes. It reads no bodies.
pub(super) fn weight(connection: &Connection, session: i64, seqs: RangeInclusive<Seq>) -> rusqlite::Result<u64> {
    let sql = "SELECT ifnull(sum(octet_length(body) + 64), 0) FROM record
               WHERE key BETWEEN ?1 AND ?2 AND kind IN ('update', 'extension')";
    let keys = [row::key(session, *seqs.start()), row::key(session, *seqs.end())];
    connection.prepare_cached(sql)?.query_row(keys, |row| row.get::<_, i64>(0)).map(i64::cast_unsigned)
}

/// Removes some of the marked records, inside a transaction. Returns whether there may be more.
pub(super) fn collect(connection: &Connection) -> rusqlite::Result<bool> {
    let found = connection
        .prepare_cached("SELECT session, next, through, control FROM garbage LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, row.get::<_, bool>(3)?)))
        .optional()?;
    let Some((session, next, through, control)) = found else { return Ok(false) };
    let (next, through) = (next.cast_unsigned(), through.cast_unsigned());
    let last = through.min(next + CHUNK - 1);
    let sql = if control {
        "DELETE FROM record WHERE key BETWEEN ?1 AND ?2"
    } else {
        "DELETE FROM record WHERE key BETWEEN ?1 AND ?2 AND kind IN ('update', 'extension')"
    };
    connection.prepare_cached(sql)?.execute([row::key(session, next), row::key(session, last)])?;
    if last < through {
        let sql = "UPDATE garbage SET next = ?2 WHERE session = ?1";
        connection.prepare_cached(sql)?.execute([session, (last + 1).cast_signed()])?;
    } else {
        connection.prepare_cached("DELETE FROM garbage WHERE session = ?1")?.execute([session])?;
    }
    Ok(true)
}

//! Records and sessions as rows.

use std::sync::Arc;

use acp_types::record::{Kind, Origin, Record, Seq};
use acp_types::{Raw, SessionId};
use rusqlite::{Connection, OptionalExtension, Row, Statement, params};

use super::failure;
use crate::log::{LogError, SessionInfo};
use crate::shared;

pub(super) const INSERT_RECORD: &str = "INSERT INTO record (key, at, epoch, lane, origin, kind, turn, body, position)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
pub(super) const INSERT_SESSION: &str =
    "INSERT INTO session (id, cwd, created_at, updated_at, epoch, head, oldest, open_turns)
     VALUES (?1, '', 0, 0, 1, 0, 0, 0)";
pub(super) const UPDATE_SESSION: &str =
    "UPDATE session SET cwd = ?2, title = ?3, created_at = ?4, updated_at = ?5, epoch = ?6,
     head = ?7, oldest = ?8, open_turns = ?9, bytes = ?10 WHERE number = ?1";

/// Bits of a record's key that hold its seq; the rest holds the session's number.
///
/// 69 thousand million records in a session, 134 million sessions in a log. `schema` has these numbers in its view.
const SEQ_BITS: u32 = 36;

/// Largest seq that a key can hold.
pub(super) const MAX_SEQ: Seq = (1 << SEQ_BITS) - 1;
/// Largest number of a session that a key can hold.
pub(super) const MAX_SESSION: i64 = (1 << (63 - SEQ_BITS)) - 1;

/// `SELECT` of a session's columns as [`session`] reads them.
macro_rules! select_session {
    ($rest:literal) => {
        concat!(
            "SELECT id, cwd, title, created_at, updated_at, epoch, head, oldest, open_turns, number, bytes FROM session ",
            $rest
        )
    };
}
pub(super) use select_session;

/// The key of a record. Both parts are within bounds: see [`MAX_SEQ`] and [`MAX_SESSION`].
pub(super) fn key(session: i64, seq: Seq) -> i64 {
    session << SEQ_BITS | seq.min(MAX_SEQ).cast_signed()
}

/// Writes a record; the statement's parameters are the columns of `record` in order.
pub(super) fn insert(statement: &mut Statement<'_>, session: i64, record: &Record) -> rusqlite::Result<()> {
    statement.raw_bind_parameter(1, key(session, record.seq))?;
    statement.raw_bind_parameter(2, record.at.cast_signed())?;
    statement.raw_bind_parameter(3, record.epoch.cast_signed())?;
    statement.raw_bind_parameter(4, &*record.lane)?;
    match &record.origin {
        Origin::Host => statement.raw_bind_parameter(5, "host")?,
        Origin::Agent => statement.raw_bind_parameter(5, "agent")?,
        client => statement.raw_bind_parameter(5, client.to_string())?,
    }
    statement.raw_bind_parameter(6, record.kind.as_str())?;
    statement.raw_bind_parameter(7, record.turn.map(u64::cast_signed))?;
    statement.raw_bind_parameter(8, record.body.as_str())?;
    statement.raw_bind_parameter(9, record.position.map(u64::cast_signed))?;
    statement.raw_execute().map(drop)
}

/// Writes a session's row; the statement is [`UPDATE_SESSION`].
pub(super) fn update_session(statement: &mut Statement<'_>, number: i64, info: &SessionInfo) -> rusqlite::Result<()> {
    let columns = params![
        number,
        info.cwd,
        info.title,
        info.created_at.cast_signed(),
        info.updated_at.cast_signed(),
        info.epoch.cast_signed(),
        info.head.cast_signed(),
        info.oldest.cast_signed(),
        info.open_turns.cast_signed(),
        info.bytes.cast_signed(),
    ];
    statement.execute(columns).map(drop)
}

/// A session and its number, from the file.
pub(super) fn find_session(connection: &Connection, id: &SessionId) -> rusqlite::Result<Option<(i64, SessionInfo)>> {
    let sql = select_session!("WHERE id = ?1");
    connection.prepare_cached(sql)?.query_row([id.as_str()], session).optional()
}

/// Why a log takes no other session.
pub(super) fn no_more_sessions() -> LogError {
    LogError::Unwritable { reason: "it has had as many sessions as it can; start a new one with --log".to_owned() }
}

/// Reads records; neighbours share what they have in common.
#[derive(Debug, Default)]
pub(super) struct Reader {
    lane: Option<Arc<str>>,
    origin: Option<(String, Origin)>,
}

impl Reader {
    /// A record from the columns of `record` in order.
    pub(super) fn record(&mut self, row: &Row<'_>) -> Result<Record, LogError> {
        let seq = row.get::<_, i64>(0).map_err(|e| failure::read(&e))?.cast_unsigned() & MAX_SEQ;
        self.columns(row, seq).map_err(|reason| LogError::Corrupt { reason: format!("record {seq}: {reason}") })
    }

    fn columns(&mut self, row: &Row<'_>, seq: Seq) -> Result<Record, String> {
        let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned).map_err(|e| e.to_string());
        let optional = |column| {
            row.get::<_, Option<i64>>(column).map(|value| value.map(i64::cast_unsigned)).map_err(|e| e.to_string())
        };
        let text = |column| {
            let value = row.get_ref(column).map_err(|e| e.to_string())?;
            value.as_str().map_err(|e| format!("column {column}: {e}"))
        };
        // What is not JSON would become a broken frame at every client.
        let body = Raw::parse(text(7)?).map_err(|e| format!("its body is not JSON: {e}"))?;
        Ok(Record {
            seq,
            at: number(1)?,
            epoch: number(2)?,
            lane: self.lane(text(3)?),
            origin: self.origin(text(4)?),
            kind: Kind::from(text(5)?),
            turn: optional(6)?,
            position: optional(8)?,
            body: shared::text(body.to_owned()),
        })
    }

    fn lane(&mut self, text: &str) -> Arc<str> {
        match &self.lane {
            Some(lane) if **lane == *text => Arc::clone(lane),
            _ => Arc::clone(self.lane.insert(text.into())),
        }
    }

    fn origin(&mut self, text: &str) -> Origin {
        match &self.origin {
            Some((known, origin)) if known == text => origin.clone(),
            _ => self.origin.insert((text.to_owned(), Origin::from(text))).1.clone(),
        }
    }
}

/// A session and its number, from `select_session!`.
pub(super) fn session(row: &Row<'_>) -> rusqlite::Result<(i64, SessionInfo)> {
    let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
    let info = SessionInfo {
        id: SessionId::from(row.get::<_, String>(0)?),
        cwd: row.get(1)?,
        title: row.get(2)?,
        created_at: number(3)?,
        updated_at: number(4)?,
        epoch: number(5)?,
        head: number(6)?,
        oldest: number(7)?,
        open_turns: number(8)?,
        bytes: number(10)?,
    };
    Ok((row.get(9)?, info))
}

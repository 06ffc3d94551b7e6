//! The writer's side of the file: what each piece of work does to it, inside a transaction.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use acp_types::SessionId;
use acp_types::record::{Record, Seq};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Statement, params};

use super::connection::BUSY;
use super::job::{Done, Work};
use super::owner::{self, Adopted, Adoption};
use super::schema::PAGE_BYTES;
use super::{garbage, row};
use crate::log::{LogError, SessionInfo};

/// Sessions whose row the writer remembers. Beyond it all are read anew, which costs a look-up each.
const REMEMBERED: usize = 1024;

pub(super) const INSERT_RECORD: &str = "INSERT INTO record (key, at, epoch, lane, origin, kind, turn, body, position)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
pub(super) const INSERT_SESSION: &str =
    "INSERT INTO session (id, cwd, created_at, updated_at, epoch, head, oldest, open_turns)
     VALUES (?1, '', 0, 0, 1, 0, 0, 0)";
pub(super) const UPDATE_SESSION: &str =
    "UPDATE session SET cwd = ?2, title = ?3, created_at = ?4, updated_at = ?5, epoch = ?6,
     head = ?7, oldest = ?8, open_turns = ?9, bytes = ?10 WHERE number = ?1";

/// The file as its one writer sees it.
#[derive(Debug)]
pub(super) struct Store {
    connection: Connection,
    sessions: HashMap<SessionId, Cached>,
    /// Sessions whose row is to be written before the commit.
    changed: Vec<SessionId>,
    /// The work done last has something to be gone before it is answered.
    erases: bool,
}

#[derive(Debug)]
struct Cached {
    number: i64,
    info: SessionInfo,
    changed: bool,
}

/// Why one piece of work was not done.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It was not allowed; nothing was changed, and the transaction goes on.
    Logical(LogError),
    /// The transaction must be taken back.
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<LogError> for Refusal {
    fn from(error: LogError) -> Self {
        Self::Logical(error)
    }
}

impl Store {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, sessions: HashMap::new(), changed: Vec::new(), erases: false }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Starts a transaction. Waits for other programs that write, for a bounded time.
    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
        if self.sessions.len() > REMEMBERED {
            self.sessions.clear();
        }
        self.run("BEGIN IMMEDIATE")
    }

    /// The same without waiting; `false` if another program writes.
    pub(super) fn begin_now(&mut self) -> rusqlite::Result<bool> {
        self.connection.busy_timeout(Duration::ZERO)?;
        let begun = self.begin();
        self.connection.busy_timeout(BUSY)?;
        match begun {
            Ok(()) => Ok(true),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes everything since [`Store::begin`] durable and visible.
    pub(super) fn commit(&mut self) -> rusqlite::Result<()> {
        {
            let mut update = self.connection.prepare_cached(UPDATE_SESSION)?;
            for session in self.changed.drain(..) {
                let Some(cached) = self.sessions.get_mut(&session) else { continue };
                cached.changed = false;
                update_session(&mut update, cached.number, &cached.info)?;
            }
        }
        self.run("COMMIT")
    }

    /// Takes everything since [`Store::begin`] back.
    pub(super) fn roll_back(&mut self) {
        self.changed.clear();
        self.sessions.clear();
        // SQLite has done it itself after some errors.
        if !self.connection.is_autocommit()
            && let Err(error) = self.run("ROLLBACK")
        {
            tracing::error!(%error, "a transaction of the session log cannot be rolled back");
        }
    }

    /// Whether the work done last has something to be gone before it is answered.
    pub(super) fn erases(&mut self) -> bool {
        std::mem::take(&mut self.erases)
    }

    /// Does one piece of work.
    pub(super) fn apply(&mut self, work: &Work) -> Result<Done, Refusal> {
        match work {
            Work::Create { session, records } => self.create(session, records),
            Work::Append { session, records } => self.append(session, records),
            Work::Claim { session } => {
                let info = self.change(session)?;
                info.epoch += 1;
                Ok(Done::Claimed(Box::new(info.clone())))
            }
            Work::Delete { session } => self.delete(session),
            Work::Trim { session, through } => self.trim(session, *through),
            Work::LimitSize { bytes } => {
                let pages = bytes / PAGE_BYTES as u64;
                let pages = pages.clamp(1, u64::from(u32::MAX) - 1).cast_signed();
                self.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
                Ok(Done::Nothing)
            }
            Work::Adopt(adoption) => Ok(Done::Adopted(self.adopt(adoption)?)),
            Work::Shutdown => Ok(Done::Nothing),
        }
    }

    /// Gives the log an id, its records the bodies that they are to have, and its sessions their last record.
    fn adopt(&mut self, adoption: &Adoption) -> Result<Adopted, Refusal> {
        self.connection.execute("DELETE FROM log", [])?;
        self.connection.execute("INSERT INTO log (id) VALUES (?1)", [&adoption.id])?;
        let rewritten = owner::rewrite(&self.connection, adoption)?;
        self.erases = rewritten > 0;
        let mut ended = 0;
        for session in owner::not_ended_by(&self.connection, &adoption.last.0)? {
            let Some(found) = self.find(&session)? else { continue };
            let record = adoption.last_of(&found.info);
            self.append(&session, &[Arc::new(record)])?;
            ended += 1;
        }
        Ok(Adopted { ended, rewritten })
    }

    fn create(&mut self, session: &SessionId, records: &[Arc<Record>]) -> Result<Done, Refusal> {
        if self.find(session)?.is_some() {
            return Err(LogError::Exists { session: session.clone() }.into());
        }
        let info = SessionInfo::new(session.clone());
        admit(&info, records)?;
        self.connection.prepare_cached(INSERT_SESSION)?.execute([session.as_str()])?;
        let number = self.connection.last_insert_rowid();
        if number > row::MAX_SESSION {
            self.connection.prepare_cached("DELETE FROM session WHERE number = ?1")?.execute([number])?;
            return Err(no_more_sessions().into());
        }
        self.sessions.insert(session.clone(), Cached { number, info, changed: false });
        self.append(session, records)
    }

    fn append(&mut self, session: &SessionId, records: &[Arc<Record>]) -> Result<Done, Refusal> {
        let Some(cached) = self.find(session)? else { return Err(not_found(session)) };
        admit(&cached.info, records)?;
        let number = cached.number;
        {
            let mut insert = self.connection.prepare_cached(INSERT_RECORD)?;
            for record in records {
                row::insert(&mut insert, number, record)?;
            }
        }
        let info = self.change(session)?;
        for record in records {
            info.apply(record);
        }
        Ok(Done::Moved { last: info.head, oldest: info.oldest })
    }

    fn delete(&mut self, session: &SessionId) -> Result<Done, Refusal> {
        let Some(cached) = self.find(session)? else { return Ok(Done::Nothing) };
        let (number, head) = (cached.number, cached.info.head);
        self.connection.prepare_cached("DELETE FROM session WHERE number = ?1")?.execute([number])?;
        garbage::add(&self.connection, number, 1..=head, garbage::What::Everything)?;
        self.sessions.remove(session);
        self.erases = true;
        Ok(Done::Deleted)
    }

    fn trim(&mut self, session: &SessionId, through: Seq) -> Result<Done, Refusal> {
        let Some(cached) = self.find(session)? else { return Err(not_found(session)) };
        let (number, last, before) = (cached.number, cached.info.head, cached.info.oldest);
        let oldest = through.min(last);
        if oldest <= before {
            return Ok(Done::Moved { last, oldest: before });
        }
        let gone = before + 1..=oldest;
        let bytes = garbage::weight(&self.connection, number, gone.clone())?;
        garbage::add(&self.connection, number, gone, garbage::What::AllButControl)?;
        let info = self.change(session)?;
        info.oldest = oldest;
        info.bytes = info.bytes.saturating_sub(bytes);
        self.erases = true;
        Ok(Done::Moved { last, oldest })
    }

    /// The session's row, to be changed; it is written with the commit.
    fn change(&mut self, session: &SessionId) -> Result<&mut SessionInfo, Refusal> {
        if self.find(session)?.is_none() {
            return Err(not_found(session));
        }
        let Some(cached) = self.sessions.get_mut(session) else { return Err(not_found(session)) };
        if !cached.changed {
            cached.changed = true;
            self.changed.push(session.clone());
        }
        Ok(&mut cached.info)
    }

    fn find(&mut self, session: &SessionId) -> rusqlite::Result<Option<&Cached>> {
        let vacant = match self.sessions.entry(session.clone()) {
            Entry::Occupied(found) => return Ok(Some(found.into_mut())),
            Entry::Vacant(vacant) => vacant,
        };
        Ok(find(&self.connection, session)?
            .map(|(number, info)| &*vacant.insert(Cached { number, info, changed: false })))
    }

    fn run(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }
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
pub(super) fn find(connection: &Connection, session: &SessionId) -> rusqlite::Result<Option<(i64, SessionInfo)>> {
    let sql = row::select_session!("WHERE id = ?1");
    connection.prepare_cached(sql)?.query_row([session.as_str()], row::session).optional()
}

fn admit(info: &SessionInfo, records: &[Arc<Record>]) -> Result<(), LogError> {
    info.admit(records)?;
    if info.head + records.len() as u64 > row::MAX_SEQ {
        let reason = "the session has as many records as it can; go on in a new one".to_owned();
        return Err(LogError::Unwritable { reason });
    }
    Ok(())
}

/// Why a log takes no other session.
pub(super) fn no_more_sessions() -> LogError {
    LogError::Unwritable { reason: "it has had as many sessions as it can; start a new one with --log".to_owned() }
}

fn not_found(session: &SessionId) -> Refusal {
    Refusal::Logical(LogError::NotFound { session: session.clone() })
}

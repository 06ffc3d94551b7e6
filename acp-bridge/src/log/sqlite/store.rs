//! The file as its one writer sees it: what each piece of work does to it. What is committed is told to the readers.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use acp_server::HOP;
use acp_types::SessionId;
use acp_types::record::{Record, Seq};
use rusqlite::{Connection, ErrorCode};
use tracing::trace;

use super::connection::BUSY;
use super::job::{Done, Work};
use super::owner::{self, Adopted, Adoption};
use super::schema::PAGE_BYTES;
use super::{failure, garbage, row};
use crate::log::hub::Hub;
use crate::log::{LogError, SessionInfo};

/// Sessions whose row the writer remembers. Beyond it all are read anew, which costs a look-up each.
const REMEMBERED: usize = 1024;

/// The file as its one writer sees it.
#[derive(Debug)]
pub(super) struct Store {
    connection: Connection,
    hub: Arc<Hub>,
    sessions: HashMap<SessionId, Cached>,
    /// Sessions whose row is to be written before the commit.
    changed: Vec<SessionId>,
    /// The work done last has something to be gone before it is answered.
    erases: bool,
}

/// A session's row, as it is in the file or is to be.
#[derive(Debug)]
struct Cached {
    number: i64,
    info: SessionInfo,
    changed: bool,
}

/// What one piece of work came to.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) done: Result<Done, LogError>,
    /// Something is to be gone from the files before it is answered.
    pub(super) erases: bool,
}

/// Why one piece of work was not done.
#[derive(Debug)]
enum Refusal {
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
    pub(super) fn new(connection: Connection, hub: Arc<Hub>) -> Self {
        Self { connection, hub, sessions: HashMap::new(), changed: Vec::new(), erases: false }
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
            let mut update = self.connection.prepare_cached(row::UPDATE_SESSION)?;
            for session in self.changed.drain(..) {
                let Some(cached) = self.sessions.get_mut(&session) else { continue };
                cached.changed = false;
                row::update_session(&mut update, cached.number, &cached.info)?;
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

    /// Commits a batch, once a transaction has begun, and tells the readers: all of it or nothing. What is not allowed
    /// fails alone; what the disk refuses fails everything.
    pub(super) fn commit_all<'a>(
        &mut self,
        begun: rusqlite::Result<()>,
        batch: impl Iterator<Item = &'a Work> + Clone,
    ) -> Result<Vec<Outcome>, LogError> {
        trace!(name: "begun", target: HOP, "");
        let outcomes = begun.and_then(|()| self.apply_all(batch.clone())).map_err(|error| {
            self.roll_back();
            failure::write(&error)
        })?;
        for (work, outcome) in batch.zip(&outcomes) {
            self.publish(work, outcome);
        }
        Ok(outcomes)
    }

    fn apply_all<'a>(&mut self, batch: impl Iterator<Item = &'a Work>) -> rusqlite::Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        for work in batch {
            let done = match self.apply(work) {
                Ok(done) => Ok(done),
                Err(Refusal::Logical(error)) => Err(error),
                Err(Refusal::Sql(error)) => return Err(error),
            };
            outcomes.push(Outcome { done, erases: std::mem::take(&mut self.erases) });
        }
        trace!(name: "inserted", target: HOP, "");
        self.commit()?;
        trace!(name: "committed", target: HOP, "");
        Ok(outcomes)
    }

    fn publish(&self, work: &Work, outcome: &Outcome) {
        match (work, &outcome.done) {
            (Work::Delete { session }, Ok(Done::Deleted)) => self.hub.deleted(session),
            (work, Ok(Done::Moved { last, oldest })) => {
                let Some((session, records)) = work.records() else { return };
                // A later job of the same batch may have moved the head further; its records follow.
                let last = records.last().map_or(*last, |record| record.seq);
                self.hub.publish(session, last, *oldest, records);
            }
            _ => {}
        }
    }

    /// Does one piece of work.
    fn apply(&mut self, work: &Work) -> Result<Done, Refusal> {
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
        self.connection.prepare_cached(row::INSERT_SESSION)?.execute([session.as_str()])?;
        let number = self.connection.last_insert_rowid();
        if number > row::MAX_SESSION {
            self.connection.prepare_cached("DELETE FROM session WHERE number = ?1")?.execute([number])?;
            return Err(row::no_more_sessions().into());
        }
        self.sessions.insert(session.clone(), Cached { number, info, changed: false });
        self.append(session, records)
    }

    fn append(&mut self, session: &SessionId, records: &[Arc<Record>]) -> Result<Done, Refusal> {
        let Some(cached) = self.find(session)? else { return Err(not_found(session)) };
        admit(&cached.info, records)?;
        let number = cached.number;
        {
            let mut insert = self.connection.prepare_cached(row::INSERT_RECORD)?;
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
        Ok(row::find_session(&self.connection, session)?
            .map(|(number, info)| &*vacant.insert(Cached { number, info, changed: false })))
    }

    fn run(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }
}

fn admit(info: &SessionInfo, records: &[Arc<Record>]) -> Result<(), LogError> {
    info.admit(records)?;
    if info.head + records.len() as u64 > row::MAX_SEQ {
        let reason = "the session has as many records as it can; go on in a new one".to_owned();
        return Err(LogError::Unwritable { reason });
    }
    Ok(())
}

fn not_found(session: &SessionId) -> Refusal {
    Refusal::Logical(LogError::NotFound { session: session.clone() })
}

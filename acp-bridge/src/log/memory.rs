//! A log that ends with the process: for tests and for trying things out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use acp_types::SessionId;
use acp_types::record::{Epoch, Record, Seq};
use async_trait::async_trait;
use tokio::sync::watch;

use super::coordination::{Coordination, InProcess};
use super::hub::{Bounds, Hub};
use super::{
    Filter, Head, ListQuery, LogError, LogReader, LogView, LogWriter, MemberId, ReadLimit, ReadResult, SessionInfo,
    SessionLog, directory,
};

/// Same behaviour as the SQLite log, without the storage. It grows with what is appended.
#[derive(Debug)]
pub struct MemoryLog {
    sessions: Mutex<Sessions>,
    hub: Hub,
    coordination: Coordination,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Sessions {
    by_id: HashMap<SessionId, Session>,
    /// In order of creation.
    by_number: BTreeMap<u64, SessionId>,
    created: u64,
}

#[derive(Debug)]
struct Session {
    number: u64,
    info: SessionInfo,
    records: BTreeMap<Seq, Arc<Record>>,
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryLog {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sessions: Mutex::default(),
            // Everything is at hand as it is.
            hub: Hub::new(Bounds::NONE),
            coordination: Coordination::default(),
            closed: AtomicBool::new(false),
        }
    }

    fn open(&self) -> Result<MutexGuard<'_, Sessions>, LogError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(LogError::Closed);
        }
        Ok(self.sessions.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sessions {
    fn find(&self, session: &SessionId) -> Result<&Session, LogError> {
        self.by_id.get(session).ok_or_else(|| LogError::NotFound { session: session.clone() })
    }

    fn find_mut(&mut self, session: &SessionId) -> Result<&mut Session, LogError> {
        self.by_id.get_mut(session).ok_or_else(|| LogError::NotFound { session: session.clone() })
    }
}

impl Session {
    fn add(&mut self, records: &[Arc<Record>]) -> Result<(), LogError> {
        self.info.admit(records)?;
        for record in records {
            self.info.apply(record);
            self.records.insert(record.seq, Arc::clone(record));
        }
        Ok(())
    }
}

#[async_trait]
impl LogView for MemoryLog {
    async fn list(&self, query: ListQuery) -> Result<Vec<SessionInfo>, LogError> {
        let sessions = self.open()?;
        let before = match &query.after {
            Some(after) => sessions.find(after)?.number,
            None => u64::MAX,
        };
        let found = sessions.by_number.range(..before).rev().filter_map(|(_, id)| sessions.by_id.get(id));
        let wanted = query.cwd.as_ref().map(|cwd| {
            let known: BTreeSet<_> = sessions.by_id.values().map(|session| session.info.cwd.clone()).collect();
            directory::same(cwd, known)
        });
        let found = found.filter(|found| wanted.as_ref().is_none_or(|same| same.contains(&found.info.cwd)));
        Ok(found.take(query.page()).map(|found| found.info.clone()).collect())
    }

    async fn get(&self, session: &SessionId) -> Result<Option<SessionInfo>, LogError> {
        Ok(self.open()?.by_id.get(session).map(|found| found.info.clone()))
    }

    async fn read(&self, session: &SessionId, after: Seq, limit: ReadLimit, filter: Filter) -> ReadResult {
        let sessions = self.open()?;
        let found = sessions.find(session)?;
        found.info.readable(after, filter)?;
        let mut budget = limit.budget();
        let records = found.records.range((Bound::Excluded(after), Bound::Unbounded)).map(|(_, record)| record);
        let wanted = records.filter(|record| filter == Filter::All || record.kind.is_control());
        Ok(wanted.take_while(|record| budget.admits(record.weight())).map(Arc::clone).collect())
    }
}

#[async_trait]
impl LogReader for MemoryLog {
    async fn holder(&self, session: &SessionId) -> Result<Option<MemberId>, LogError> {
        drop(self.open()?);
        Ok(self.coordination.holder(session))
    }

    async fn head(&self, session: &SessionId) -> Result<watch::Receiver<Head>, LogError> {
        let sessions = self.open()?;
        let info = &sessions.find(session)?.info;
        let watch = self.hub.watch(session);
        Ok(watch.known().unwrap_or_else(|| watch.fill(info.head, info.oldest)))
    }
}

#[async_trait]
impl LogWriter for MemoryLog {
    async fn create(&self, session: &SessionId, host: &MemberId, records: Vec<Arc<Record>>) -> Result<(), LogError> {
        self.coordination.admit(host)?;
        let mut sessions = self.open()?;
        if sessions.by_id.contains_key(session) {
            return Err(LogError::Exists { session: session.clone() });
        }
        let number = sessions.created;
        let mut new = Session { number, info: SessionInfo::new(session.clone()), records: BTreeMap::new() };
        new.add(&records)?;
        self.coordination.claim(session, host)?;
        self.coordination.claimed(session, host, new.info.epoch);
        self.hub.publish(session, new.info.head, 0, &records);
        sessions.created += 1;
        sessions.by_number.insert(number, session.clone());
        sessions.by_id.insert(session.clone(), new);
        Ok(())
    }

    async fn claim(&self, session: &SessionId, host: &MemberId) -> Result<SessionInfo, LogError> {
        let mut sessions = self.open()?;
        let info = &mut sessions.find_mut(session)?.info;
        self.coordination.claim(session, host)?;
        info.epoch += 1;
        self.coordination.claimed(session, host, info.epoch);
        Ok(info.clone())
    }

    async fn release(&self, session: &SessionId, host: &MemberId, epoch: Epoch) -> Result<(), LogError> {
        drop(self.open()?);
        self.coordination.release(session, host, epoch);
        Ok(())
    }

    async fn append(&self, session: &SessionId, records: Vec<Arc<Record>>) -> Result<(), LogError> {
        let mut sessions = self.open()?;
        let found = sessions.find_mut(session)?;
        found.add(&records)?;
        self.hub.publish(session, found.info.head, found.info.oldest, &records);
        Ok(())
    }

    async fn trim(&self, session: &SessionId, through: Seq) -> Result<Seq, LogError> {
        let mut sessions = self.open()?;
        let found = sessions.find_mut(session)?;
        let oldest = through.min(found.info.head).max(found.info.oldest);
        let mut gone = 0;
        found.records.retain(|seq, record| {
            let keep = *seq > oldest || record.kind.is_control();
            gone += if keep { 0 } else { record.weight() as u64 };
            keep
        });
        found.info.bytes = found.info.bytes.saturating_sub(gone);
        found.info.oldest = oldest;
        self.hub.publish(session, found.info.head, oldest, &[]);
        Ok(oldest)
    }

    async fn delete(&self, session: &SessionId) -> Result<bool, LogError> {
        let mut sessions = self.open()?;
        let Some(gone) = sessions.by_id.remove(session) else { return Ok(false) };
        sessions.by_number.remove(&gone.number);
        self.coordination.deleted(session);
        self.hub.deleted(session);
        Ok(true)
    }
}

impl InProcess for MemoryLog {
    fn coordination(&self) -> &Coordination {
        &self.coordination
    }

    fn hub(&self) -> &Hub {
        &self.hub
    }
}

#[async_trait]
impl SessionLog for MemoryLog {
    async fn shutdown(&self) {
        self.closed.store(true, Ordering::Release);
        self.coordination.close();
        self.hub.close();
    }
}

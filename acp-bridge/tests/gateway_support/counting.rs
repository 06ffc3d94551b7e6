//! A log that counts what is read from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use acp_bridge::log::{Bus, Filter, Head, ListQuery, LogError, MemoryLog, ReadLimit, SessionInfo, SessionLog};
use acp_types::SessionId;
use acp_types::record::{Record, Seq};
use async_trait::async_trait;
use tokio::sync::watch;

#[derive(Debug)]
pub struct Counting {
    log: MemoryLog,
    bytes: AtomicUsize,
}

impl Counting {
    pub fn new(log: MemoryLog) -> Self {
        Self { log, bytes: AtomicUsize::new(0) }
    }

    /// Bytes of all records that were read so far.
    pub fn bytes_read(&self) -> usize {
        self.bytes.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl SessionLog for Counting {
    async fn create(&self, session: &SessionId, records: Vec<Arc<Record>>) -> Result<(), LogError> {
        self.log.create(session, records).await
    }

    async fn list(&self, query: ListQuery) -> Result<Vec<SessionInfo>, LogError> {
        self.log.list(query).await
    }

    async fn get(&self, session: &SessionId) -> Result<Option<SessionInfo>, LogError> {
        self.log.get(session).await
    }

    async fn delete(&self, session: &SessionId) -> Result<bool, LogError> {
        self.log.delete(session).await
    }

    async fn claim(&self, session: &SessionId) -> Result<SessionInfo, LogError> {
        self.log.claim(session).await
    }

    async fn append(&self, session: &SessionId, records: Vec<Arc<Record>>) -> Result<(), LogError> {
        self.log.append(session, records).await
    }

    async fn read(
        &self,
        session: &SessionId,
        after: Seq,
        limit: ReadLimit,
        filter: Filter,
    ) -> Result<Vec<Arc<Record>>, LogError> {
        let records = self.log.read(session, after, limit, filter).await?;
        let bytes: usize = records.iter().map(|record| record.body.as_str().len()).sum();
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
        Ok(records)
    }

    async fn trim(&self, session: &SessionId, through: Seq) -> Result<Seq, LogError> {
        self.log.trim(session, through).await
    }

    async fn head(&self, session: &SessionId) -> Result<watch::Receiver<Head>, LogError> {
        self.log.head(session).await
    }

    fn is_followed(&self, session: &SessionId) -> bool {
        self.log.is_followed(session)
    }

    fn fault(&self, session: &SessionId, reason: &str) {
        self.log.fault(session, reason);
    }

    fn bus(&self) -> &Bus {
        self.log.bus()
    }

    async fn shutdown(&self) {
        self.log.shutdown().await;
    }
}

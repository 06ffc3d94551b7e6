//! A log that counts what is read from it, and remembers what is queued.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acp_bridge::log::{
    CommandId, CommandQueue, Filter, Head, ListQuery, LogError, LogReader, LogView, LogWriter, Member, MemberId,
    MemoryLog, QueueError, QueuedCommand, ReadLimit, ReadResult, Renewal, SessionInfo, SessionLog, Signals,
    TakenCommand,
};
use acp_types::SessionId;
use acp_types::record::{Epoch, Record, Seq};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

#[derive(Debug)]
pub struct Counting {
    log: MemoryLog,
    bytes: AtomicUsize,
    commands: Mutex<Vec<Bytes>>,
}

impl Counting {
    pub fn new(log: MemoryLog) -> Self {
        Self { log, bytes: AtomicUsize::new(0), commands: Mutex::default() }
    }

    /// Bytes of all records that were read so far.
    pub fn bytes_read(&self) -> usize {
        self.bytes.load(Ordering::SeqCst)
    }

    /// The bodies of all commands so far.
    pub fn commands(&self) -> Vec<String> {
        let commands = self.commands.lock().expect("no panic");
        commands.iter().map(|body| String::from_utf8(body.to_vec()).expect("UTF-8")).collect()
    }
}

#[async_trait]
impl LogView for Counting {
    async fn list(&self, query: ListQuery) -> Result<Vec<SessionInfo>, LogError> {
        self.log.list(query).await
    }

    async fn get(&self, session: &SessionId) -> Result<Option<SessionInfo>, LogError> {
        self.log.get(session).await
    }

    async fn read(&self, session: &SessionId, after: Seq, limit: ReadLimit, filter: Filter) -> ReadResult {
        let records = self.log.read(session, after, limit, filter).await?;
        let bytes: usize = records.iter().map(|record| record.body.as_str().len()).sum();
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
        Ok(records)
    }
}

#[async_trait]
impl LogReader for Counting {
    async fn holder(&self, session: &SessionId) -> Result<Option<MemberId>, LogError> {
        self.log.holder(session).await
    }

    async fn head(&self, session: &SessionId) -> Result<watch::Receiver<Head>, LogError> {
        self.log.head(session).await
    }
}

#[async_trait]
impl LogWriter for Counting {
    async fn create(&self, session: &SessionId, host: &MemberId, records: Vec<Arc<Record>>) -> Result<(), LogError> {
        self.log.create(session, host, records).await
    }

    async fn claim(&self, session: &SessionId, host: &MemberId) -> Result<SessionInfo, LogError> {
        self.log.claim(session, host).await
    }

    async fn release(&self, session: &SessionId, host: &MemberId, epoch: Epoch) -> Result<(), LogError> {
        self.log.release(session, host, epoch).await
    }

    async fn append(&self, session: &SessionId, records: Vec<Arc<Record>>) -> Result<(), LogError> {
        self.log.append(session, records).await
    }

    async fn trim(&self, session: &SessionId, through: Seq) -> Result<Seq, LogError> {
        self.log.trim(session, through).await
    }

    async fn delete(&self, session: &SessionId) -> Result<bool, LogError> {
        self.log.delete(session).await
    }
}

#[async_trait]
impl CommandQueue for Counting {
    async fn submit(&self, command: QueuedCommand) -> Result<Bytes, QueueError> {
        self.commands.lock().expect("no panic").push(command.body.clone());
        self.log.submit(command).await
    }

    async fn take(&self, host: &MemberId) -> Result<Vec<TakenCommand>, LogError> {
        self.log.take(host).await
    }

    async fn answer(&self, command: &CommandId, answer: Bytes) -> Result<(), LogError> {
        self.log.answer(command, answer).await
    }
}

#[async_trait]
impl Signals for Counting {
    async fn renew(&self, member: &Member, term: Duration) -> Result<Renewal, LogError> {
        self.log.renew(member, term).await
    }

    async fn leave(&self, member: &MemberId) -> Result<(), LogError> {
        self.log.leave(member).await
    }

    async fn is_followed(&self, session: &SessionId) -> Result<bool, LogError> {
        self.log.is_followed(session).await
    }

    async fn fault(&self, session: &SessionId, reason: &str) {
        self.log.fault(session, reason).await;
    }
}

#[async_trait]
impl SessionLog for Counting {
    async fn shutdown(&self) {
        self.log.shutdown().await;
    }
}

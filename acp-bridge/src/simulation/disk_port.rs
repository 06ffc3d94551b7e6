//! The log as one process has it.

use std::sync::Arc;
use std::time::Duration;

use acp_types::record::{Epoch, Kind, Origin, Record, Seq};
use acp_types::{Raw, RawBuf, SessionId, rewrite};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use super::disk::{AnswerTaken, Disk, What};
use super::fault::Fault;
use super::process::Process;
use crate::command::{CommandAnswer, Order};
use crate::log::{
    CommandId, CommandQueue, Filter, Head, ListQuery, LogError, LogReader, LogView, LogWriter, Member, MemberId,
    QueueError, QueuedCommand, ReadLimit, ReadResult, Renewal, SessionInfo, SessionLog, Signals, TakenCommand,
};
use crate::session::{Command, Reply};

/// The log as one process has it.
#[derive(Debug)]
pub(super) struct DiskPort {
    pub(super) disk: Arc<Disk>,
    pub(super) process: Arc<Process>,
}

impl DiskPort {
    /// Takes note of what a command says, and has it go wrong if that is wanted.
    fn look_into(&self, taken: &mut TakenCommand) {
        let Ok(mut order) = Order::decode(&taken.body) else { return };
        match &mut order.command {
            Command::Answer { request, answer: Ok(answer) } => {
                let (client, process) = (Arc::clone(&order.client), self.process.number);
                let it = AnswerTaken { process, client, request: *request, answer: answer.clone() };
                self.disk.spied().answers.push(it);
                if self.disk.goes_wrong(Fault::AnswerAltered, 30) {
                    let other = r#"{"outcome":{"outcome":"selected","optionId":"another"}}"#;
                    *answer = RawBuf::trusted(other);
                }
            }
            Command::Prompt { key, .. } if self.disk.goes_wrong(Fault::KeyLost, 100) => *key = None,
            _ => return,
        }
        taken.body = order.encode().expect("it was read before");
    }

    /// Has records go wrong that are read.
    fn garble(&self, records: &mut Vec<Arc<Record>>) {
        let said = |record: &Record| record.origin == Origin::Agent && record.kind == Kind::Update;
        let Some(at) = records.iter().position(|record| said(record)) else { return };
        if self.disk.goes_wrong(Fault::RecordChanges, 10) {
            let text = Raw::trusted("\"something else \"");
            let body = rewrite::set_path(records[at].body.as_raw(), &["update", "content", "text"], text);
            records[at] = Arc::new(Record { body, ..Record::clone(&records[at]) });
        }
        if self.disk.goes_wrong(Fault::RecordSkipped, 10) && records.len() > at + 1 {
            records.remove(at);
        } else if self.disk.goes_wrong(Fault::RecordTwice, 10) {
            records.insert(at, Arc::clone(&records[at]));
        }
    }
}

#[async_trait]
impl LogView for DiskPort {
    async fn list(&self, query: ListQuery) -> Result<Vec<SessionInfo>, LogError> {
        self.process.runs().await;
        self.disk.log.list(query).await
    }

    async fn get(&self, session: &SessionId) -> Result<Option<SessionInfo>, LogError> {
        self.process.runs().await;
        self.disk.log.get(session).await
    }

    async fn read(&self, session: &SessionId, after: Seq, limit: ReadLimit, filter: Filter) -> ReadResult {
        self.process.runs().await;
        let mut records = self.disk.log.read(session, after, limit, filter).await?;
        if filter == Filter::All {
            self.garble(&mut records);
        }
        Ok(records)
    }
}

#[async_trait]
impl LogReader for DiskPort {
    async fn holder(&self, session: &SessionId) -> Result<Option<MemberId>, LogError> {
        self.process.runs().await;
        self.disk.log.holder(session).await
    }

    async fn head(&self, session: &SessionId) -> Result<watch::Receiver<Head>, LogError> {
        self.process.runs().await;
        self.disk.follow(&self.process, session).await
    }
}

#[async_trait]
impl LogWriter for DiskPort {
    async fn create(&self, session: &SessionId, host: &MemberId, records: Vec<Arc<Record>>) -> Result<(), LogError> {
        self.disk.write(&self.process, session, What::Create(host.clone(), records)).await.map(|_| ())
    }

    async fn claim(&self, session: &SessionId, host: &MemberId) -> Result<SessionInfo, LogError> {
        let claimed = self.disk.write(&self.process, session, What::Claim(host.clone())).await?;
        Ok(claimed.expect("a claim says what is there"))
    }

    async fn release(&self, session: &SessionId, host: &MemberId, epoch: Epoch) -> Result<(), LogError> {
        self.disk.write(&self.process, session, What::release(host, epoch)).await.map(|_| ())
    }

    async fn append(&self, session: &SessionId, records: Vec<Arc<Record>>) -> Result<(), LogError> {
        self.disk.write(&self.process, session, What::Append(records)).await.map(|_| ())
    }

    async fn trim(&self, session: &SessionId, _through: Seq) -> Result<Seq, LogError> {
        panic!("nobody trims {session}")
    }

    async fn delete(&self, session: &SessionId) -> Result<bool, LogError> {
        panic!("nobody deletes {session}")
    }
}

#[async_trait]
impl CommandQueue for DiskPort {
    async fn submit(&self, command: QueuedCommand) -> Result<Bytes, QueueError> {
        self.process.runs().await;
        let answer = self.disk.log.submit(command).await;
        self.process.runs().await;
        answer
    }

    async fn take(&self, host: &MemberId) -> Result<Vec<TakenCommand>, LogError> {
        self.process.may_take().await;
        let mut taken = self.disk.log.take(host).await?;
        self.process.runs().await;
        for command in &mut taken {
            self.look_into(command);
        }
        Ok(taken)
    }

    async fn answer(&self, command: &CommandId, answer: Bytes) -> Result<(), LogError> {
        self.process.runs().await;
        if let Ok(Ok(Reply::Turn(turn))) = serde_json::from_slice::<CommandAnswer>(&answer) {
            let head = self.disk.head();
            if turn > head {
                self.disk.spied().early.push((turn, head));
            }
        }
        self.disk.log.answer(command, answer).await
    }
}

#[async_trait]
impl Signals for DiskPort {
    async fn renew(&self, member: &Member, term: Duration) -> Result<Renewal, LogError> {
        self.process.runs().await;
        self.disk.log.renew(member, term).await
    }

    async fn leave(&self, member: &MemberId) -> Result<(), LogError> {
        self.process.runs().await;
        self.disk.log.leave(member).await
    }

    async fn is_followed(&self, session: &SessionId) -> Result<bool, LogError> {
        self.process.runs().await;
        Ok(self.disk.is_followed(session))
    }

    async fn fault(&self, session: &SessionId, reason: &str) {
        self.process.runs().await;
        self.disk.log.fault(session, reason).await;
    }
}

#[async_trait]
impl SessionLog for DiskPort {
    async fn shutdown(&self) {
        panic!("nobody closes the log");
    }
}

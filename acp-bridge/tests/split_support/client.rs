//! A session log that is somewhere else: every call goes through a socket.
#![allow(dead_code, unreachable_pub, unused_qualifications, clippy::missing_errors_doc, reason = "part of tests")]

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acp_bridge::log::{
    CommandId, CommandQueue, Filter, Head, ListQuery, LogError, LogReader, LogView, LogWriter, Member, MemberId,
    QueueError, QueuedCommand, ReadLimit, ReadResult, Renewal, SessionInfo, SessionLog, Signals, TakenCommand,
};
use acp_types::SessionId;
use acp_types::record::{Epoch, Record, Seq};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;

use super::protocol::{Call, Done, Failure, Message, Request, read, write};

type Result<T, E = LogError> = std::result::Result<T, E>;
type Outcome = Result<Done, Failure>;

#[derive(Debug)]
pub struct RemoteLog {
    requests: mpsc::UnboundedSender<Request>,
    open: Arc<Mutex<Open>>,
    next: AtomicU64,
    /// The commands that were asked for, by host: whoever asks again gets what came for a question that was dropped.
    taking: tokio::sync::Mutex<HashMap<MemberId, oneshot::Receiver<Outcome>>>,
}

#[derive(Debug, Default)]
struct Open {
    closed: bool,
    calls: HashMap<u64, oneshot::Sender<Outcome>>,
    /// Each with the task that waits until nobody follows any more.
    follows: HashMap<u64, Follow>,
    /// Heads that came before whoever follows was told its number.
    early: HashMap<u64, Head>,
}

#[derive(Debug)]
struct Follow {
    head: watch::Sender<Head>,
    watcher: AbortHandle,
}

impl Drop for Follow {
    fn drop(&mut self) {
        // It has a sender, too.
        self.watcher.abort();
    }
}

impl RemoteLog {
    pub async fn connect(path: PathBuf) -> std::io::Result<Self> {
        let (mut input, mut output) = UnixStream::connect(path).await?.into_split();
        let (requests, mut queued) = mpsc::unbounded_channel::<Request>();
        let open = Arc::new(Mutex::new(Open::default()));
        tokio::spawn(async move {
            while let Some(request) = queued.recv().await {
                if write(&mut output, &request).await.is_err() {
                    break;
                }
            }
        });
        let of_reader = Arc::clone(&open);
        tokio::spawn(async move {
            while let Some(message) = read(&mut input).await {
                of_reader.lock().expect("no panic").take(message);
            }
            *of_reader.lock().expect("no panic") = Open { closed: true, ..Open::default() };
        });
        Ok(Self { requests, open, next: AtomicU64::new(1), taking: tokio::sync::Mutex::default() })
    }

    fn ask(&self, call: Call) -> oneshot::Receiver<Outcome> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, outcome) = oneshot::channel();
        let mut open = self.open.lock().expect("no panic");
        if !open.closed {
            open.calls.insert(id, sender);
            // The lock is held, so that calls go out in the order of their numbers.
            let _ = self.requests.send(Request { id, call });
        }
        outcome
    }

    async fn call(&self, call: Call) -> Result<Done> {
        log(self.ask(call).await)
    }
}

impl Open {
    fn take(&mut self, message: Message) {
        match message {
            Message::Result { id, result } => {
                if let Some(waits) = self.calls.remove(&id) {
                    // Whoever asked may have gone.
                    let _ = waits.send(result);
                }
            }
            Message::Head { follow, head } => match self.follows.get(&follow) {
                Some(follow) => drop(follow.head.send_replace(head)),
                None => drop(self.early.insert(follow, head)),
            },
            Message::Ended { follow } => drop(self.follows.remove(&follow)),
        }
    }
}

fn log(outcome: std::result::Result<Outcome, oneshot::error::RecvError>) -> Result<Done> {
    match outcome {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(Failure::Log(error))) => Err(error),
        Ok(Err(Failure::Queue(error))) => panic!("{error} is no error of a log"),
        Err(_) => Err(LogError::Closed),
    }
}

macro_rules! expect {
    ($done:expr, $pattern:pat => $value:expr) => {
        match $done {
            $pattern => Ok($value),
            other => panic!("{other:?} is no answer to this call"),
        }
    };
}

#[async_trait]
impl LogView for RemoteLog {
    async fn list(&self, query: ListQuery) -> Result<Vec<SessionInfo>> {
        expect!(self.call(Call::List { query }).await?, Done::Sessions(found) => found)
    }

    async fn get(&self, session: &SessionId) -> Result<Option<SessionInfo>> {
        expect!(self.call(Call::Get { session: session.clone() }).await?, Done::Session(found) => found)
    }

    async fn read(&self, session: &SessionId, after: Seq, limit: ReadLimit, filter: Filter) -> ReadResult {
        let call = Call::Read { session: session.clone(), after, limit, filter };
        expect!(self.call(call).await?, Done::Records(records) => records)
    }
}

#[async_trait]
impl LogReader for RemoteLog {
    async fn holder(&self, session: &SessionId) -> Result<Option<MemberId>> {
        expect!(self.call(Call::Holder { session: session.clone() }).await?, Done::Member(found) => found)
    }

    async fn head(&self, session: &SessionId) -> Result<watch::Receiver<Head>> {
        let done = self.call(Call::Follow { session: session.clone() }).await?;
        let (follow, head) = expect!(done, Done::Followed { follow, head } => (follow, head))?;
        let mut open = self.open.lock().expect("no panic");
        let (sender, receiver) = watch::channel(open.early.remove(&follow).unwrap_or(head));
        let (requests, of_watcher, watched) = (self.requests.clone(), Arc::clone(&self.open), sender.clone());
        let watcher = tokio::spawn(async move {
            watched.closed().await;
            let _ = requests.send(Request { id: 0, call: Call::Unfollow { follow } });
            drop(of_watcher.lock().expect("no panic").follows.remove(&follow));
        });
        open.follows.insert(follow, Follow { head: sender, watcher: watcher.abort_handle() });
        Ok(receiver)
    }
}

#[async_trait]
impl LogWriter for RemoteLog {
    async fn create(&self, session: &SessionId, host: &MemberId, records: Vec<Arc<Record>>) -> Result<()> {
        let call = Call::Create { session: session.clone(), host: host.clone(), records };
        self.call(call).await.map(drop)
    }

    async fn claim(&self, session: &SessionId, host: &MemberId) -> Result<SessionInfo> {
        let call = Call::Claim { session: session.clone(), host: host.clone() };
        expect!(self.call(call).await?, Done::Session(Some(info)) => info)
    }

    async fn release(&self, session: &SessionId, host: &MemberId, epoch: Epoch) -> Result<()> {
        let call = Call::Release { session: session.clone(), host: host.clone(), epoch };
        self.call(call).await.map(drop)
    }

    async fn append(&self, session: &SessionId, records: Vec<Arc<Record>>) -> Result<()> {
        self.call(Call::Append { session: session.clone(), records }).await.map(drop)
    }

    async fn trim(&self, session: &SessionId, through: Seq) -> Result<Seq> {
        expect!(self.call(Call::Trim { session: session.clone(), through }).await?, Done::Seq(seq) => seq)
    }

    async fn delete(&self, session: &SessionId) -> Result<bool> {
        expect!(self.call(Call::Delete { session: session.clone() }).await?, Done::Yes(yes) => yes)
    }
}

#[async_trait]
impl CommandQueue for RemoteLog {
    async fn submit(&self, command: QueuedCommand) -> Result<Bytes, QueueError> {
        match self.ask(Call::Submit { command }).await {
            Ok(Ok(Done::Answer(answer))) => Ok(answer),
            Ok(Err(Failure::Queue(error))) => Err(error),
            Ok(other) => panic!("{other:?} is no answer to a command"),
            Err(_) => Err(LogError::Closed.into()),
        }
    }

    async fn take(&self, host: &MemberId) -> Result<Vec<TakenCommand>> {
        let mut taking = self.taking.lock().await;
        let outcome = taking.entry(host.clone()).or_insert_with(|| self.ask(Call::Take { host: host.clone() }));
        let outcome = outcome.await;
        taking.remove(host);
        expect!(log(outcome)?, Done::Taken(taken) => taken)
    }

    async fn answer(&self, command: &CommandId, answer: Bytes) -> Result<()> {
        self.call(Call::Answer { command: command.clone(), answer }).await.map(drop)
    }
}

#[async_trait]
impl Signals for RemoteLog {
    async fn renew(&self, member: &Member, term: Duration) -> Result<Renewal> {
        expect!(self.call(Call::Renew { member: member.clone(), term }).await?, Done::Renewal(renewal) => renewal)
    }

    async fn leave(&self, member: &MemberId) -> Result<()> {
        self.call(Call::Leave { member: member.clone() }).await.map(drop)
    }

    async fn is_followed(&self, session: &SessionId) -> Result<bool> {
        expect!(self.call(Call::IsFollowed { session: session.clone() }).await?, Done::Yes(yes) => yes)
    }

    async fn fault(&self, session: &SessionId, reason: &str) {
        // A reader that is not told now sees that nothing follows.
        let _ = self.call(Call::Fault { session: session.clone(), reason: reason.to_owned() }).await;
    }
}

#[async_trait]
impl SessionLog for RemoteLog {
    /// Leaves the log to the others.
    async fn shutdown(&self) {
        *self.open.lock().expect("no panic") = Open { closed: true, ..Open::default() };
    }
}

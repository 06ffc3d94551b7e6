//! A log in memory behind a socket, served by a thread of the test.
#![allow(dead_code, unreachable_pub, unused_qualifications, clippy::missing_errors_doc, reason = "part of tests")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use acp_bridge::log::{LogError, MemoryLog, SessionLog};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::protocol::{Call, Done, Failure, Message, Request, read, write};

/// Serves until it is dropped.
pub struct LogServer {
    pub log: Arc<dyn SessionLog>,
    runtime: Option<Runtime>,
}

impl LogServer {
    /// Serves a new log at a path where there is no file yet.
    pub fn start(path: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let log: Arc<dyn SessionLog> = Arc::new(MemoryLog::new());
        let listener = {
            let _in_runtime = runtime.enter();
            UnixListener::bind(path).expect("a socket")
        };
        let served = Arc::clone(&log);
        runtime.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                connections.spawn(serve(stream, Arc::clone(&served)));
            }
        });
        Self { log, runtime: Some(runtime) }
    }
}

impl Drop for LogServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What one connection has going.
struct Connection {
    log: Arc<dyn SessionLog>,
    output: mpsc::UnboundedSender<Message>,
    tasks: JoinSet<()>,
    follows: Arc<Mutex<HashMap<u64, AbortHandle>>>,
    next: u64,
}

async fn serve(stream: UnixStream, log: Arc<dyn SessionLog>) {
    let (mut input, mut to) = stream.into_split();
    let (output, mut queued) = mpsc::unbounded_channel();
    let mut connection = Connection { log, output, tasks: JoinSet::new(), follows: Arc::default(), next: 0 };
    connection.tasks.spawn(async move {
        while let Some(message) = queued.recv().await {
            if write(&mut to, &message).await.is_err() {
                break;
            }
        }
    });
    while let Some(Request { id, call }) = read(&mut input).await {
        connection.take(id, call).await;
    }
}

impl Connection {
    /// Calls of one connection take effect in their order; only those that wait for others do so beside the rest.
    async fn take(&mut self, id: u64, call: Call) {
        let (log, output) = (Arc::clone(&self.log), self.output.clone());
        let answer = move |result| {
            // The other side may have gone.
            let _ = output.send(Message::Result { id, result });
        };
        match call {
            Call::Submit { command } => {
                let mut submitted = Box::pin(async move { log.submit(command).await });
                // It is in the queue before the next call is looked at; its answer takes its time.
                let at_once = futures_util::poll!(&mut submitted);
                self.tasks.spawn(async move {
                    let outcome = match at_once {
                        std::task::Poll::Ready(outcome) => outcome,
                        std::task::Poll::Pending => submitted.await,
                    };
                    answer(outcome.map(Done::Answer).map_err(Failure::Queue));
                });
            }
            Call::Take { host } => {
                self.tasks.spawn(async move {
                    answer(log.take(&host).await.map(Done::Taken).map_err(Failure::Log));
                });
            }
            Call::Follow { session } => {
                let result = log.head(&session).await;
                let result = result.map(|mut head| {
                    self.next += 1;
                    let (follow, output) = (self.next, self.output.clone());
                    let now = head.borrow_and_update().clone();
                    let task = self.tasks.spawn(async move {
                        while head.changed().await.is_ok() {
                            let head = head.borrow_and_update().clone();
                            let _ = output.send(Message::Head { follow, head });
                        }
                        let _ = output.send(Message::Ended { follow });
                    });
                    self.follows.lock().expect("no panic").insert(follow, task);
                    Done::Followed { follow, head: now }
                });
                answer(result.map_err(Failure::Log));
            }
            Call::Unfollow { follow } => {
                if let Some(task) = self.follows.lock().expect("no panic").remove(&follow) {
                    task.abort();
                }
            }
            call => answer(at_once(&*log, call).await.map_err(Failure::Log)),
        }
    }
}

async fn at_once(log: &dyn SessionLog, call: Call) -> Result<Done, LogError> {
    Ok(match call {
        Call::List { query } => Done::Sessions(log.list(query).await?),
        Call::Get { session } => Done::Session(log.get(&session).await?),
        Call::Holder { session } => Done::Member(log.holder(&session).await?),
        Call::Read { session, after, limit, filter } => Done::Records(log.read(&session, after, limit, filter).await?),
        Call::Create { session, host, records } => {
            log.create(&session, &host, records).await?;
            Done::Nothing
        }
        Call::Claim { session, host } => Done::Session(Some(log.claim(&session, &host).await?)),
        Call::Release { session, host, epoch } => {
            log.release(&session, &host, epoch).await?;
            Done::Nothing
        }
        Call::Append { session, records } => {
            log.append(&session, records).await?;
            Done::Nothing
        }
        Call::Trim { session, through } => Done::Seq(log.trim(&session, through).await?),
        Call::Delete { session } => Done::Yes(log.delete(&session).await?),
        Call::Answer { command, answer } => {
            log.answer(&command, answer).await?;
            Done::Nothing
        }
        Call::Renew { member, term } => Done::Renewal(log.renew(&member, term).await?),
        Call::Leave { member } => {
            log.leave(&member).await?;
            Done::Nothing
        }
        Call::IsFollowed { session } => Done::Yes(log.is_followed(&session).await?),
        Call::Fault { session, reason } => {
            log.fault(&session, &reason).await;
            Done::Nothing
        }
        Call::Submit { .. } | Call::Take { .. } | Call::Follow { .. } | Call::Unfollow { .. } => {
            unreachable!("these wait, and are served elsewhere")
        }
    })
}

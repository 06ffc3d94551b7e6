//! A client that connects, makes a session and sends one prompt, by hand over lines, so that it can also do what no
//! library would.

mod extras;
mod files;
mod notices;
mod remote;
mod services;
mod steps;
mod terminals;

use std::collections::HashMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

use super::Breaks;
use crate::core::link::Link;
pub(crate) use remote::BREAKS as REMOTE_BREAKS;
pub use remote::client_at;
use terminals::Terminal;

/// Held between the two ends, in bytes, in each direction.
const PIPE: usize = 256 * 1024;
/// Requests of the agent that may wait at once; more are answered with an error.
const MAX_WAITING: usize = 64;

type Outcome = Result<Value, Value>;

/// A link to a new client in this process, which works in a directory of its own. It ends when the link is dropped.
#[must_use]
pub fn client_inside(breaks: Breaks) -> Link {
    let (near, far) = tokio::io::duplex(PIPE);
    let (source, sink) = tokio::io::split(near);
    let (input, output) = tokio::io::split(far);
    let task = tokio::spawn(async move {
        let Ok(directory) = tempfile::tempdir() else { return };
        let leaves = breaks.has("TRANSPORT-stdio-09");
        let client = Client::new(output, breaks, directory.path().to_owned(), false);
        // An agent that is gone needs nothing more.
        let _ = client.run(input).await;
        if leaves {
            // What is never dropped is never closed.
            std::mem::forget(client);
        }
    });
    Link::over(source, sink).with_task(task)
}

/// Starts the agent and is its client until its one turn has ended.
///
/// # Errors
/// When there is no agent in the command line, or it cannot be started or spoken to.
pub async fn client_of(command: &[String], breaks: Breaks) -> std::io::Result<()> {
    let Some((program, args)) = command.split_first() else {
        return Err(std::io::Error::other("there is no agent to start; put its command line behind --"));
    };
    let args = if breaks.has("TRANSPORT-stdio-06") { &args[..args.len().saturating_sub(1)] } else { args };
    let deaf = breaks.has("TRANSPORT-stdio-05");
    let mut agent = tokio::process::Command::new(program);
    agent.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    agent.stderr(if deaf { Stdio::piped() } else { Stdio::inherit() });
    let mut agent = agent.spawn()?;
    let (Some(output), Some(input)) = (agent.stdin.take(), agent.stdout.take()) else { return Ok(()) };
    let client = Client::new(output, breaks, std::env::current_dir()?, true);
    client.run(input).await?;
    drop(client);
    agent.wait().await.map(drop)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn error(code: i64, message: &str) -> Value {
    json!({ "code": code, "message": message })
}

fn no_method() -> Value {
    error(-32601, "Method not found")
}

fn invalid(what: &str) -> Value {
    error(-32602, &format!("Invalid params: {what}"))
}

struct Client {
    output: tokio::sync::Mutex<Pin<Box<dyn AsyncWrite + Send>>>,
    breaks: Breaks,
    directory: PathBuf,
    terminals: Mutex<HashMap<String, Arc<Terminal>>>,
    made: AtomicU64,
    /// Requests of ours that wait, by id.
    asked: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    /// Requests of the agent that wait, by id, with what takes them back.
    waiting: Mutex<HashMap<String, oneshot::Sender<()>>>,
    /// Told once its user has interrupted it.
    interrupted: Notify,
    /// Whether it goes away, as a client that fell over does.
    over: AtomicBool,
    /// Whether it is a process of its own.
    is_program: bool,
    /// Its session, once there is one.
    session: Mutex<Option<String>>,
    /// Terminals that were released and go on, which a good client does not have.
    forgotten: Mutex<Vec<Arc<Terminal>>>,
}

impl Client {
    fn new(
        output: impl AsyncWrite + Send + 'static,
        breaks: Breaks,
        directory: PathBuf,
        is_program: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            output: tokio::sync::Mutex::new(Box::pin(output)),
            breaks,
            directory,
            terminals: Mutex::default(),
            made: AtomicU64::new(0),
            asked: Mutex::default(),
            waiting: Mutex::default(),
            interrupted: Notify::new(),
            over: AtomicBool::new(false),
            is_program,
            session: Mutex::default(),
            forgotten: Mutex::default(),
        })
    }

    /// Until the turn has ended or the agent is gone.
    async fn run(self: &Arc<Self>, input: impl AsyncRead + Unpin) -> std::io::Result<()> {
        // Dropping it ends what is being served.
        let mut serving = JoinSet::new();
        let steps = self.steps();
        let reading = self.read(input, &mut serving);
        tokio::select! {
            ended = steps => ended,
            ended = reading => ended,
            ended = self.interrupts(), if self.is_program => ended,
        }
    }

    async fn read(
        self: &Arc<Self>,
        input: impl AsyncRead + Unpin,
        serving: &mut JoinSet<std::io::Result<()>>,
    ) -> std::io::Result<()> {
        let mut lines = BufReader::new(input).lines();
        while let Some(line) = lines.next_line().await? {
            while serving.try_join_next().is_some() {}
            if self.breaks.has("TRANSPORT-stdio-08") {
                // Takes what it read for one message.
                let reader = lines.get_mut();
                let more = reader.buffer().len();
                tokio::io::AsyncBufReadExt::consume(reader, more);
            }
            if self.breaks.has("TRANSPORT-stdio-14") && line.len() > 512 * 1024 {
                return Ok(());
            }
            self.take(&line, serving).await?;
            if self.over.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// One line of the agent.
    async fn take(self: &Arc<Self>, line: &str, serving: &mut JoinSet<std::io::Result<()>>) -> std::io::Result<()> {
        let message = match acp_server::types::json::from_str::<Value>(line) {
            Ok(message) if message["method"].is_string() || message.get("id").is_some() => message,
            wrong => return self.scold(wrong.is_ok()).await,
        };
        let id = message.get("id").cloned();
        match (message["method"].as_str(), id) {
            (Some(method), Some(id)) => self.asked(id, method, &message["params"], serving).await,
            (Some(method), None) => self.told(method, &message["params"]).await,
            (None, _) => {
                self.answered(&message);
                Ok(())
            }
        }
    }

    /// A request of the agent, which is served beside everything else.
    async fn asked(
        self: &Arc<Self>,
        id: Value,
        method: &str,
        params: &Value,
        serving: &mut JoinSet<std::io::Result<()>>,
    ) -> std::io::Result<()> {
        if self.breaks.has("RPC-07") && lock(&self.asked).contains_key(&id.to_string()) {
            // Takes it for the answer.
            self.answered(&json!({ "id": id, "result": {} }));
            return Ok(());
        }
        let (take_back, taken_back) = oneshot::channel();
        {
            let mut waiting = lock(&self.waiting);
            if waiting.len() < MAX_WAITING {
                waiting.insert(id.to_string(), take_back);
            }
        }
        let (client, method, params) = (Arc::clone(self), method.to_owned(), params.clone());
        serving.spawn(async move {
            let outcome = tokio::select! {
                outcome = client.serve(&method, &params) => outcome,
                Ok(()) = taken_back => {
                    let code = if client.breaks.has("ERR-11") { -32000 } else { -32800 };
                    Some(Err(error(code, "Request cancelled")))
                }
            };
            lock(&client.waiting).remove(&id.to_string());
            match outcome {
                Some(outcome) => client.reply(&id, outcome).await,
                None => Ok(()),
            }
        });
        Ok(())
    }

    fn answered(&self, message: &Value) {
        let mut id = message["id"].to_string();
        if self.breaks.has("RPC-08") {
            // Takes answers in the order of its questions.
            let number = |id: &String| id.parse::<u64>().ok();
            id = lock(&self.asked).keys().max_by_key(|id| number(id)).cloned().unwrap_or(id);
        }
        let Some(waiting) = lock(&self.asked).remove(&id) else { return };
        let outcome = match message.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(message["result"].clone()),
        };
        // The steps may have gone on.
        let _ = waiting.send(outcome);
    }

    async fn reply(&self, id: &Value, outcome: Outcome) -> std::io::Result<()> {
        let mut message = json!({ "jsonrpc": "2.0", "id": id });
        match outcome {
            Ok(result) => message["result"] = result,
            Err(error) => message["error"] = error,
        }
        if self.breaks.has("RPC-02") && id.is_string() {
            message["id"] = json!(id.as_str().map(str::len));
        }
        if self.breaks.has("RPC-03") && message["error"]["code"] == -32601 {
            message["error"]["message"] = json!(7);
        }
        self.send(&message).await?;
        if self.breaks.has("RPC-05") {
            self.send(&message).await?;
        }
        Ok(())
    }

    async fn send(&self, message: &Value) -> std::io::Result<()> {
        self.raw(format!("{message}\n").as_bytes()).await
    }

    async fn raw(&self, bytes: &[u8]) -> std::io::Result<()> {
        let mut output = self.output.lock().await;
        output.write_all(bytes).await?;
        output.flush().await
    }

    /// Sends a request and waits for its answer; `None` when it will not come.
    async fn ask(&self, id: Value, method: &str, params: Value) -> std::io::Result<Option<Outcome>> {
        let answer = self.start(id, method, params).await?;
        Ok(answer.await.ok())
    }

    /// Sends a request.
    async fn start(&self, id: Value, method: &str, params: Value) -> std::io::Result<oneshot::Receiver<Outcome>> {
        let (sender, answer) = oneshot::channel();
        lock(&self.asked).insert(id.to_string(), sender);
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await?;
        Ok(answer)
    }
}

//! A client that connects, makes a session and sends one prompt, by hand over lines, so that it can also do what no
//! library would.

mod breaks;
mod extras;
mod files;
mod notices;
mod remote;
mod services;
mod state;
mod steps;
mod terminal;
mod terminals;

use std::future::pending;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tokio::io::AsyncRead;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::core::link::Link;
use crate::mock::answers::{error, lock};
use crate::mock::breaks::Breaks;
use crate::mock::lines::{Peer, each_line, linked};
pub(in crate::mock) use breaks::BREAKS;
pub(in crate::mock) use remote::BREAKS as REMOTE_BREAKS;
pub use remote::client_at;
use state::Client;

/// Requests of the agent that may wait at once; more are answered with an error.
const MAX_WAITING: usize = 64;

/// A link to a new client in this process, which works in a directory of its own. It ends when the link is dropped.
#[must_use]
pub fn client_inside(breaks: Breaks) -> Link {
    let (link, task) = linked(|input, output| async move {
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
    link.with_task(task)
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

/// A client that reads, with what is being served.
struct Reading<'a> {
    client: &'a Arc<Client>,
    serving: &'a mut JoinSet<std::io::Result<()>>,
}

impl Peer for Reading<'_> {
    async fn take(&mut self, line: &str) -> std::io::Result<bool> {
        while self.serving.try_join_next().is_some() {}
        self.client.take(line, self.serving).await?;
        Ok(!self.client.over.load(Ordering::Relaxed))
    }
}

impl Client {
    /// Until the turn has ended or the agent is gone.
    async fn run(self: &Arc<Self>, input: impl AsyncRead + Unpin + Send) -> std::io::Result<()> {
        // Dropping it ends what is being served.
        let mut serving = JoinSet::new();
        let steps = self.steps();
        let mut reading = Reading { client: self, serving: &mut serving };
        let reading = each_line(input, &self.breaks, &mut reading, pending());
        tokio::select! {
            ended = steps => ended,
            ended = reading => ended.map(drop),
            ended = self.interrupts(), if self.is_program => ended,
        }
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
                Some(outcome) => client.output.answer(&id, outcome, &client.breaks).await,
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
}

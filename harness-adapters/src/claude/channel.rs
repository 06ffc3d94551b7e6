//! The channel to a process of Claude Code: first the agreement on features, then messages.

use std::time::Duration;

use acp_types::Raw;
use bytes::Bytes;
use futures_util::FutureExt;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::attach::{attach, may_attach};
use super::lock::Lock;
use super::watch::{LOOK, Watch};
use super::wire::{Control, Message, Prompted};
use crate::adapter::process::Process;
use crate::adapter::{Channel, FromHarness};
use crate::failure::{Failure, FailureKind};

/// Time limit of a process to be ready. Its MCP servers do not count.
const READY: Duration = Duration::from_secs(60);
/// Limit of messages on their way; each can be long.
const QUEUE: usize = 16;
const INITIALIZE: &str = "initialize";
const SETTINGS: &str = "settings";

/// Answers of a process to the greeting.
#[derive(Debug)]
pub(super) struct Introduction {
    /// The answer to `initialize`.
    pub(super) initialized: Value,
    /// The answer to `get_settings`.
    pub(super) settings: Value,
}

/// First messages to a process.
#[derive(Debug, Default)]
pub(super) struct Greeting {
    /// MCP servers by name.
    pub(super) servers: Map<String, Value>,
    /// Text that replaces its own instructions.
    pub(super) replace: Option<String>,
    /// Text after its own instructions.
    pub(super) append: Option<String>,
}

/// Agrees with a process on features.
///
/// # Errors
/// When it ends, refuses, or does not answer in time.
pub(super) async fn greet(process: &mut Process, greeting: Greeting) -> Result<Introduction, Failure> {
    let Greeting { servers, replace, append } = greeting;
    let initialize = Control::Initialize {
        forward_subagent_text: true,
        mcp_servers: servers,
        system_prompt: replace,
        append_system_prompt: append,
    };
    let messages = [initialize.message(INITIALIZE), Control::GetSettings.message(SETTINGS)];
    let talk = async {
        for message in messages {
            // If it is gone, it says below why.
            let _ = process.to.send(Bytes::from(message.as_str().to_owned())).await;
        }
        introduced(&mut process.from).await
    };
    timeout(READY, talk).await.unwrap_or_else(|_| {
        let message = format!("Claude Code was not ready after {} s; run `claude doctor`", READY.as_secs());
        Err(Failure::new(FailureKind::Unavailable, message))
    })
}

async fn introduced(from: &mut mpsc::Receiver<FromHarness>) -> Result<Introduction, Failure> {
    let (mut initialized, mut settings) = (None, None);
    let mut said = Vec::new();
    loop {
        let message = match from.recv().await {
            Some(FromHarness::Line(line)) => match Raw::parse(&String::from_utf8_lossy(&line)) {
                Ok(line) => Message::read(line),
                Err(error) => {
                    tracing::warn!(%error, "a line of Claude Code is not JSON and was skipped");
                    continue;
                }
            },
            Some(FromHarness::Exited(failure)) => return Err(ended(failure, &said)),
            None => return Err(Failure::new(FailureKind::Harness, "Claude Code is gone; try again")),
        };
        match message {
            Message::Reply(reply) if reply.request_id == INITIALIZE => {
                initialized = Some(reply.into_result().map_err(|refusal| {
                    let message = format!("Claude Code refused to begin: {}", refusal.message);
                    Failure::new(FailureKind::Unavailable, message)
                })?);
            }
            // An older version may not know the request; then effort is not shown.
            Message::Reply(reply) if reply.request_id == SETTINGS => {
                settings = Some(reply.into_result().unwrap_or_default());
            }
            Message::Result(result) => said.extend(result.errors),
            Message::Unreadable(it) => {
                tracing::warn!(kind = it.kind, why = it.why, "a message of Claude Code cannot be read");
                // One of the two that are waited for: it will not come again.
                if let Some(id) = it.reply {
                    let message = format!("what Claude Code says of itself ({id}) cannot be read; run `claude update`");
                    return Err(Failure::new(FailureKind::Harness, message));
                }
            }
            _ => {}
        }
        if let (Some(_), Some(_)) = (&initialized, &settings) {
            let (initialized, settings) = (initialized.unwrap_or_default(), settings.unwrap_or_default());
            return Ok(Introduction { initialized, settings });
        }
    }
}

/// A process that ended before it was ready.
fn ended(mut failure: Failure, said: &[String]) -> Failure {
    let stderr = failure.data.get("stderr").and_then(Value::as_str).unwrap_or_default();
    let about = |what: &str| stderr.contains(what) || said.iter().any(|said| said.contains(what));
    if about("No conversation found") {
        failure.kind = FailureKind::NotFound;
        failure.message = "there is no such session: list the sessions, or begin a new one".to_owned();
    } else if about("already in use") {
        failure.kind = FailureKind::InvalidParams;
        failure.message = "the session is there already: load it instead".to_owned();
    } else {
        failure.kind = FailureKind::Unavailable;
        let why =
            said.first().map(String::as_str).or_else(|| stderr.lines().rev().find(|line| !line.trim().is_empty()));
        let why = why.map(|why| format!(": {}", why.trim())).unwrap_or_default();
        failure.message = format!("Claude Code ended before it was ready{why}; run `claude doctor`");
    }
    failure
}

/// A process that is ready as the channel of its session, which is locked as long as it lives.
pub(super) fn open(
    mut process: Process,
    lock: Lock,
    watch: Watch,
    keep: impl FnOnce(Lock) + Send + 'static,
) -> Channel {
    let (to_session, from) = mpsc::channel(QUEUE);
    let (_, empty) = mpsc::channel(1);
    let lines = std::mem::replace(&mut process.from, empty);
    let mut pump = JoinSet::new();
    pump.spawn(tell(watch, to_session.clone()));
    pump.spawn(forward(lines, to_session));
    let (to, kill) = (process.to.clone(), process.killer());
    let shutdown = move || {
        async move {
            pump.shutdown().await;
            process.shutdown().await;
            keep(lock);
        }
        .boxed()
    };
    Channel { to, from, kill, shutdown: Box::new(shutdown) }
}

/// Tells of prompts that come from elsewhere, until nobody listens.
async fn tell(mut watch: Watch, to: mpsc::Sender<FromHarness>) {
    loop {
        tokio::select! {
            () = to.closed() => return,
            () = sleep(LOOK) => {}
        }
        let looked = tokio::task::spawn_blocking(move || {
            let prompted = watch.look();
            (watch, prompted)
        });
        let Ok((again, prompted)) = looked.await else { return };
        watch = again;
        for message in prompted.iter().filter_map(Prompted::message) {
            let line = Bytes::from(message.as_str().to_owned());
            if to.send(FromHarness::Line(line)).await.is_err() {
                return;
            }
        }
    }
}

/// Completes messages with texts in files.
async fn forward(mut lines: mpsc::Receiver<FromHarness>, to: mpsc::Sender<FromHarness>) {
    while let Some(message) = lines.recv().await {
        let message = match message {
            FromHarness::Line(line) => {
                let complete = line.clone();
                let attached = match may_attach(&line) {
                    // Reading a file and a long message takes a while.
                    true => tokio::task::spawn_blocking(move || attach(&complete)).await.ok().flatten(),
                    false => None,
                };
                FromHarness::Line(attached.unwrap_or(line))
            }
            exited @ FromHarness::Exited(_) => exited,
        };
        if to.send(message).await.is_err() {
            return;
        }
    }
}

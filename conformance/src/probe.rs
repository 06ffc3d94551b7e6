//! The tester's own end of the wire: it starts the subject, says what a scenario wants said, answers what it is asked,
//! and records everything.

mod answers;
mod forms;
mod host;
mod http;
mod other;
mod record;
mod seen;
mod socket;
mod terminals;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

pub(crate) use answers::rich_meta;
pub use answers::{Elicit, Manners, Permit};
pub(crate) use forms::{NO_CHOICE, first_choice};
pub use host::{Host, SESSION};
pub(crate) use record::Recorder;

use crate::history::{Body, History, Message, What, brief};
use crate::subject::{StartError, Subject};
use wire::Wire;

/// The note that the subject's model does what the suite's sentences say.
const SCRIPTED: &str = "scripted";

/// How long things may take.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "callers write it out")]
pub struct Limits {
    /// Until a request that needs no model is answered. Default: 30 s, for harnesses that start slowly.
    pub step: Duration,
    /// Until a turn has ended. Default: 120 s.
    pub turn: Duration,
    /// In which nothing may come that must not come. Default: 200 ms.
    pub quiet: Duration,
    /// Until a subject has exited after its input was closed. Default: 3 s.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            step: Duration::from_secs(30),
            turn: Duration::from_secs(120),
            quiet: Duration::from_millis(200),
            grace: Duration::from_secs(3),
        }
    }
}

/// Why a scenario cannot go on. What was recorded until then is judged as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Stop {
    /// The subject could not be started or reached.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Nothing more can come from the subject.
    #[error("the subject is gone")]
    Gone,
    /// What was waited for did not come.
    #[error("{0} did not come in time")]
    Late(String),
    /// The subject answered so that the rest makes no sense, an error to `session/new` for example.
    #[error("{0}")]
    Refused(String),
    /// The machine failed, not the subject.
    #[error("the machine failed: {0}")]
    Machine(#[from] std::io::Error),
}

/// One scenario's hands and eyes.
#[expect(missing_debug_implementations, reason = "its streams have nothing to show")]
pub struct Probe {
    subject: Arc<Subject>,
    limits: Limits,
    recorder: Recorder,
    wire: Option<Wire>,
    next_id: u64,
    /// How the subject's own requests are answered.
    pub manners: Manners,
    /// What `initialize` claims.
    pub capabilities: Value,
    /// How a client's requests are answered, in scenarios that are played as an agent.
    pub host: Option<Host>,
    /// What the agent that a client starts writes to stderr first, in bytes.
    pub noise: usize,
    directory: Arc<TempDir>,
    terminals: terminals::Terminals,
}

impl Probe {
    pub(crate) fn new(subject: Arc<Subject>, limits: Limits, scenario: &str) -> std::io::Result<Self> {
        Ok(Self {
            subject,
            limits,
            recorder: Recorder::new(scenario),
            wire: None,
            next_id: 0,
            manners: Manners::default(),
            capabilities: json!({}),
            host: None,
            noise: 0,
            terminals: terminals::Terminals::default(),
            directory: Arc::new(tempfile::Builder::new().prefix("acp-conformance-").tempdir()?),
        })
    }

    /// How long things may take.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// A directory of the scenario's own, which is the sessions' working directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A path below [`Probe::directory`].
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts the subject, or connects to it, once more. A connection that is open is closed first.
    pub async fn open(&mut self) -> Result<(), Stop> {
        self.close().await;
        let link = self.subject.open(self.directory.path(), self.noise, self.limits.step).await?;
        self.recorder.connected(&self.subject.to_string());
        if let Some(hello) = &link.hello {
            self.recorder.push(What::Note { label: "agent/started".to_owned(), data: hello.clone() });
        }
        if self.subject.is_scripted() {
            self.note(SCRIPTED, json!(true));
        }
        self.wire = Some(Wire::new(link));
        Ok(())
    }

    /// Starts the subject and initializes it.
    pub async fn begin(&mut self) -> Result<Value, Stop> {
        self.open().await?;
        let params = self.introduction();
        let answer = self.call("initialize", "initialize", params).await?;
        answer.map_err(|error| Stop::Refused(format!("initialize was answered with {}", brief(&error))))
    }

    /// The params of an `initialize` with this scenario's capabilities.
    #[must_use]
    pub fn introduction(&self) -> Value {
        json!({
            "protocolVersion": 1,
            "clientCapabilities": self.capabilities,
            "clientInfo": { "name": "acp-conformance", "version": env!("CARGO_PKG_VERSION") },
        })
    }

    /// A new session in the scenario's directory.
    pub async fn session(&mut self, label: &str) -> Result<String, Stop> {
        let params = self.new_session();
        let answer = self.call(label, "session/new", params).await?;
        match answer {
            Ok(result) => match result["sessionId"].as_str() {
                Some(id) => Ok(id.to_owned()),
                None => Err(Stop::Refused("session/new was answered without a sessionId".to_owned())),
            },
            Err(error) => Err(Stop::Refused(format!("session/new was answered with {}", brief(&error)))),
        }
    }

    /// The params of a `session/new` in the scenario's directory.
    #[must_use]
    pub fn new_session(&self) -> Value {
        json!({ "cwd": self.directory.path(), "mcpServers": [] })
    }

    /// Prompts and waits for the end of the turn.
    pub async fn prompt(&mut self, label: &str, session: &str, text: &str) -> Result<Result<Value, Value>, Stop> {
        let id = self.ask(label, "session/prompt", prompt_of(session, text)).await?;
        self.answer(label, &id, self.limits.turn).await
    }

    /// Sends a request and waits for its answer. Result or error object.
    pub async fn call(&mut self, label: &str, method: &str, params: Value) -> Result<Result<Value, Value>, Stop> {
        let id = self.ask(label, method, params).await?;
        self.answer(label, &id, self.limits.step).await
    }

    /// Sends a request under an id of ours and does not wait.
    pub async fn ask(&mut self, label: &str, method: &str, params: Value) -> Result<Value, Stop> {
        self.next_id += 1;
        let id = json!(self.next_id);
        self.ask_as(label, id.clone(), method, params).await?;
        Ok(id)
    }

    /// Sends a request under this id and does not wait.
    pub async fn ask_as(&mut self, label: &str, id: Value, method: &str, params: Value) -> Result<(), Stop> {
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.line(Some(label), &message.to_string()).await
    }

    /// Sends a notification.
    pub async fn notify(&mut self, label: &str, method: &str, params: Value) -> Result<(), Stop> {
        let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        self.line(Some(label), &message.to_string()).await
    }

    /// Sends a line as it is.
    pub async fn line(&mut self, label: Option<&str>, line: &str) -> Result<(), Stop> {
        self.recorder.sent(label, line.as_bytes());
        let mut bytes = Vec::with_capacity(line.len() + 1);
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
        self.bytes(&bytes).await
    }

    /// Sends lines in writes of `size` bytes, with the subject's chance to read in between.
    pub async fn in_pieces(&mut self, lines: &[(&str, &Value)], size: usize) -> Result<(), Stop> {
        let mut bytes = Vec::new();
        for (label, message) in lines {
            let line = message.to_string();
            self.recorder.sent(Some(label), line.as_bytes());
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
        }
        for piece in bytes.chunks(size.max(1)) {
            self.bytes(piece).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn bytes(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let wire = self.wire.as_mut().ok_or(Stop::Gone)?;
        let written = tokio::time::timeout(self.limits.step, wire.write(bytes, &mut self.recorder)).await;
        written.map_err(|_| Stop::Late("the subject's reading of its input".to_owned()))?
    }

    /// Waits for the answer to a request, answering what the subject asks meanwhile.
    pub async fn answer(&mut self, label: &str, id: &Value, limit: Duration) -> Result<Result<Value, Value>, Stop> {
        let answers = |message: &Message| matches!(&message.body, Body::Response { id: found, .. } if found == id);
        let message = self.until(label, limit, answers).await?;
        match message.body {
            Body::Response { outcome, .. } => Ok(outcome),
            _ => Err(Stop::Gone),
        }
    }

    /// Waits for the answers to several requests, in whatever order they come.
    pub async fn answers(&mut self, label: &str, mut open: Vec<Value>, limit: Duration) -> Result<(), Stop> {
        let all = |message: &Message| {
            if let Body::Response { id, .. } = &message.body {
                open.retain(|asked| asked != id);
            }
            open.is_empty()
        };
        self.until(label, limit, all).await.map(drop)
    }

    /// Waits for a message of the subject, answering what it asks meanwhile.
    pub async fn until(
        &mut self,
        label: &str,
        limit: Duration,
        mut wanted: impl FnMut(&Message) -> bool,
    ) -> Result<Message, Stop> {
        let deadline = Instant::now() + limit;
        loop {
            let Some(message) = self.next(deadline).await? else {
                self.recorder.push(What::Missed { label: label.to_owned(), waited_ms: millis(limit) });
                return Err(Stop::Late(label.to_owned()));
            };
            let found = wanted(&message);
            self.serve(&message).await?;
            if found {
                return Ok(message);
            }
        }
    }

    /// Watches for the quiet window. What comes is recorded and answered.
    pub async fn quiet(&mut self, label: &str) -> Result<(), Stop> {
        let window = self.limits.quiet;
        let deadline = Instant::now() + window;
        let watched = loop {
            match self.next(deadline).await {
                Ok(Some(message)) => self.serve(&message).await?,
                Ok(None) => break Ok(()),
                Err(stop) => break Err(stop),
            }
        };
        self.recorder.push(What::Quiet { label: label.to_owned(), ms: millis(window) });
        watched
    }

    /// The next message, or `None` at the deadline.
    async fn next(&mut self, deadline: Instant) -> Result<Option<Message>, Stop> {
        let wire = self.wire.as_mut().ok_or(Stop::Gone)?;
        wire.next(deadline, &mut self.recorder).await
    }

    /// Records something that was seen beside the wire.
    pub fn note(&mut self, label: &str, data: Value) {
        self.recorder.push(What::Note { label: label.to_owned(), data });
    }

    /// Serves the subject until it is gone, at most the grace time. Whether it is, and whether it has exited.
    pub async fn farewell(&mut self) -> (bool, bool) {
        let deadline = Instant::now() + self.limits.grace;
        let gone = loop {
            match self.next(deadline).await {
                Ok(Some(message)) if self.serve(&message).await.is_ok() => {}
                Ok(None) => break false,
                Ok(Some(_)) | Err(_) => break true,
            }
        };
        (gone, self.wire.as_ref().is_some_and(Wire::has_exited))
    }

    /// Closes the subject's input and waits until it has exited, at most the grace time. Whether it did.
    pub async fn close_input(&mut self) -> Result<bool, Stop> {
        let wire = self.wire.as_mut().ok_or(Stop::Gone)?;
        self.recorder.push(What::InputClosed);
        Ok(wire.close_input(self.limits.grace, &mut self.recorder).await)
    }

    /// Ends the connection, and the subject's process.
    pub(crate) async fn close(&mut self) {
        if let Some(mut wire) = self.wire.take() {
            wire.end(&mut self.recorder).await;
        }
    }

    /// Ends everything and gives out what was recorded.
    pub(crate) async fn finish(mut self) -> History {
        self.close().await;
        self.recorder.finish()
    }
}

/// The params of a `session/prompt` with one text.
#[must_use]
pub fn prompt_of(session: &str, text: &str) -> Value {
    json!({ "sessionId": session, "prompt": [{ "type": "text", "text": text }] })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

//! The tester's own end of the wire: it starts the subject, says what a scenario wants said, answers what it is asked,
//! and records everything.

mod answers;
mod forms;
mod host;
mod http;
mod limits;
mod manners;
mod other;
mod record;
mod say;
mod seen;
mod socket;
mod stop;
mod terminals;
mod wait;
mod wire;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use forms::{NO_CHOICE, first_choice};
pub use host::{Host, SESSION};
pub use limits::Limits;
pub(crate) use manners::rich_meta;
pub use manners::{Elicit, Manners, Permit};
pub(crate) use record::Recorder;
pub use stop::Stop;

use crate::core::history::{History, What, brief};
use crate::core::subject::Subject;
use wire::Wire;

/// The note that the subject's model does what the suite's sentences say.
const SCRIPTED: &str = "scripted";

/// One scenario's hands and eyes.
#[expect(missing_debug_implementations, reason = "its streams have nothing to show")]
pub struct Probe {
    subject: Arc<Subject>,
    limits: Limits,
    recorder: Recorder,
    wire: Option<Wire>,
    next_id: u64,
    /// Our requests on this connection by id, with the answers that have been seen.
    asked: HashMap<String, Option<Result<Value, Value>>>,
    /// Answers to the subject's own requests.
    pub manners: Manners,
    /// Capabilities that `initialize` claims.
    pub capabilities: Value,
    /// Answers to a client's requests, in scenarios that are played as an agent.
    pub host: Option<Host>,
    /// Bytes that the agent that a client starts writes to stderr first.
    pub noise: usize,
    directory: Arc<TempDir>,
    terminals: terminals::Terminals,
}

impl Probe {
    pub(crate) fn new(subject: Arc<Subject>, limits: Limits, scenario: &str) -> std::io::Result<Self> {
        // Agents may tell the path as the system knows it.
        let directory = Arc::new(tempfile::Builder::new().prefix("acp-conformance-").tempdir_in(temporary()?)?);
        Ok(Self::with(subject, limits, Recorder::new(scenario), directory))
    }

    fn with(subject: Arc<Subject>, limits: Limits, recorder: Recorder, directory: Arc<TempDir>) -> Self {
        Self {
            subject,
            limits,
            recorder,
            wire: None,
            next_id: 0,
            asked: HashMap::new(),
            manners: Manners::default(),
            capabilities: json!({}),
            host: None,
            noise: 0,
            terminals: terminals::Terminals::default(),
            directory,
        }
    }

    /// Limits of how long things may take.
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
        self.asked.clear();
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
        let asked = params["protocolVersion"].clone();
        let answer = self.call("initialize", "initialize", params).await?;
        let result =
            answer.map_err(|error| Stop::Refused(format!("initialize was answered with {}", brief(&error))))?;
        let version = &result["protocolVersion"];
        // Whoever speaks another version has other rules.
        if version.is_u64() && *version != asked {
            return Err(Stop::Refused(format!("the agent speaks version {version} of the protocol and not {asked}")));
        }
        Ok(result)
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
        self.answer(label, &id, self.limits.of(method)).await
    }

    /// Records something that was seen beside the wire.
    pub fn note(&mut self, label: &str, data: Value) {
        self.recorder.push(What::Note { label: label.to_owned(), data });
    }

    /// Records that the suite or the machine did wrong.
    pub(crate) fn fault(&mut self, why: String) {
        self.recorder.push(What::Fault { why });
    }

    /// Closes the subject's input and waits until it has exited, so long at most. Whether it did.
    pub async fn close_input(&mut self, limit: Duration) -> Result<bool, Stop> {
        let wire = self.wire.as_mut().ok_or(Stop::Gone)?;
        self.recorder.push(What::InputClosed);
        Ok(wire.close_input(limit, &mut self.recorder).await)
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

/// The directory for temporary files, without symbolic links in its path.
fn temporary() -> std::io::Result<PathBuf> {
    std::env::temp_dir().canonicalize()
}

/// The params of a `session/prompt` with one text.
#[must_use]
pub fn prompt_of(session: &str, text: &str) -> Value {
    json!({ "sessionId": session, "prompt": [{ "type": "text", "text": text }] })
}

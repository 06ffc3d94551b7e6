//! One client's agent, and the streams that its messages go to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::mock::breaks::Breaks;
use crate::mock::v1::agent::{Store, serve};

/// Messages that wait for their stream; more are lost.
const WAITING: usize = 4096;
/// Streams of a connection; a session beyond has none.
const MAX_STREAMS: usize = 1024;
/// Held between agent and server, in bytes, in each direction.
const PIPE: usize = 256 * 1024;

/// A stream of events.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum StreamOwner {
    /// Of the connection.
    Connection,
    /// Of a session.
    Session(String),
}

/// One client's agent. It ends when this is dropped.
pub(super) struct Connection {
    input: tokio::sync::Mutex<DuplexStream>,
    routes: Arc<Mutex<Routes>>,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

struct Routes {
    breaks: Breaks,
    streams: HashMap<StreamOwner, Stream>,
    /// Where answers go, by id.
    open: HashMap<String, StreamOwner>,
    /// Answers that a POST waits for, by id.
    asked: HashMap<String, oneshot::Sender<String>>,
    /// The first session.
    first: Option<String>,
    /// Child sessions, each with the session at the root of it.
    parents: HashMap<String, String>,
}

struct Stream {
    sender: mpsc::Sender<String>,
    /// Until somebody listens.
    receiver: Option<mpsc::Receiver<String>>,
}

impl Stream {
    fn new() -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        Self { sender, receiver: Some(receiver) }
    }
}

fn lock(routes: &Mutex<Routes>) -> MutexGuard<'_, Routes> {
    routes.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connection {
    pub(super) fn open(breaks: Breaks, store: Store) -> Arc<Self> {
        let (agent_input, input) = tokio::io::duplex(PIPE);
        let (output, agent_output) = tokio::io::duplex(PIPE);
        let streams = HashMap::from([(StreamOwner::Connection, Stream::new())]);
        let routes = Routes {
            breaks: breaks.clone(),
            streams,
            open: HashMap::new(),
            asked: HashMap::new(),
            parents: HashMap::new(),
            first: None,
        };
        let routes = Arc::new(Mutex::new(routes));
        let agent = tokio::spawn(serve(agent_input, agent_output, breaks, store));
        let of_router = Arc::clone(&routes);
        let router = tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                lock(&of_router).route(line);
            }
        });
        Arc::new(Self { input: tokio::sync::Mutex::new(input), routes, tasks: [agent, router] })
    }

    /// Sends a request and waits for its answer.
    pub(super) async fn ask(&self, message: Value) -> Option<String> {
        let (sender, answer) = oneshot::channel();
        lock(&self.routes).asked.insert(message["id"].to_string(), sender);
        if !self.write(&message).await {
            return None;
        }
        answer.await.ok()
    }

    /// Sends a message whose answer, if it has one, goes to that stream. False if the agent is gone.
    pub(super) async fn send(&self, message: Value, place: StreamOwner) -> bool {
        if let (Some(id), Some(method)) = (message.get("id"), message["method"].as_str()) {
            let mut routes = lock(&self.routes);
            let strays = routes.breaks.has("HTTP-08") && method.starts_with('_');
            let place = routes.first.clone().filter(|_| strays).map_or(place, StreamOwner::Session);
            routes.open.insert(id.to_string(), place);
        }
        self.write(&message).await
    }

    async fn write(&self, message: &Value) -> bool {
        let line = format!("{message}\n");
        self.input.lock().await.write_all(line.as_bytes()).await.is_ok()
    }

    /// The messages of a stream, for one listener.
    pub(super) fn listen(&self, place: &StreamOwner) -> Result<mpsc::Receiver<String>, StatusCode> {
        let mut routes = lock(&self.routes);
        let stream = routes.stream(place).ok_or(StatusCode::NOT_FOUND)?;
        stream.receiver.take().ok_or(StatusCode::CONFLICT)
    }
}

impl Routes {
    /// The stream of a place. That of a session is there before the session is, for clients that load it.
    fn stream(&mut self, place: &StreamOwner) -> Option<&mut Stream> {
        if self.streams.len() >= MAX_STREAMS && !self.streams.contains_key(place) {
            return None;
        }
        Some(self.streams.entry(place.clone()).or_insert_with(Stream::new))
    }

    /// The session whose stream a message of the agent belongs to: that of a child is its parent's, which the client has.
    fn owner(&mut self, message: &Value) -> Option<String> {
        let session = message["params"]["sessionId"].as_str()?;
        let owner = self.parents.get(session).cloned().unwrap_or_else(|| session.to_owned());
        let update = &message["params"]["update"];
        if update["sessionUpdate"] == "subagent_update" && self.parents.len() < MAX_STREAMS {
            self.parents.insert(update["sessionId"].as_str().unwrap_or_default().to_owned(), owner.clone());
        }
        Some(owner)
    }

    /// Gives a line of the agent to its stream.
    fn route(&mut self, line: String) {
        let message: Value = acp_server::types::json::from_str(&line).unwrap_or_default();
        let answers = message.get("method").is_none();
        if let Some(session) = message["result"]["sessionId"].as_str() {
            self.first.get_or_insert_with(|| session.to_owned());
        }
        let id = message["id"].to_string();
        if let Some(asked) = self.asked.remove(&id).filter(|_| answers) {
            // Whoever asked may be gone.
            let _ = asked.send(line);
            return;
        }
        let of_session = self.owner(&message).map(StreamOwner::Session);
        let place = if answers { self.open.remove(&id) } else { of_session }.unwrap_or(StreamOwner::Connection);
        if let (StreamOwner::Session(session), true) = (&place, self.breaks.has("HTTP-19"))
            && self.first.as_ref() != Some(session)
        {
            return;
        }
        if self.breaks.has("HTTP-07") && message["method"] == "session/update" {
            self.give(&StreamOwner::Connection, line.clone());
        }
        self.give(&place, line);
    }

    /// Gives a line to its stream. One that no listener could ever get is lost.
    fn give(&mut self, place: &StreamOwner, line: String) {
        let early = self.breaks.has("HTTP-25");
        let Some(stream) = self.stream(place) else { return };
        if stream.receiver.is_some() && early {
            return;
        }
        drop(stream.sender.try_send(line));
    }
}

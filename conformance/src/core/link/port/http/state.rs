//! Where the scenario's messages go: into the answer to `initialize`, or onto a stream.

use std::collections::HashMap;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::core::link::http::StreamOwner;

/// Messages that wait for their stream; more are lost.
const WAITING: usize = 4096;
/// Streams; a session beyond has none.
const MAX_STREAMS: usize = 256;
/// Requests of either side that are remembered; what is beyond belongs to the connection.
const MAX_OPEN: usize = 4096;

/// Streams, and requests that have no answer yet.
#[derive(Default)]
pub(super) struct Routes {
    streams: HashMap<StreamOwner, Stream>,
    /// Where the answers to the client's requests go, by id.
    answers: HashMap<String, StreamOwner>,
    /// Sessions of our requests, by id.
    ours: HashMap<String, String>,
    /// Child sessions, each with the session at the root of it, whose stream is theirs.
    parents: HashMap<String, String>,
    /// Answers to `initialize` that are waited for, by id.
    waited: HashMap<String, oneshot::Sender<String>>,
    ended: bool,
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

impl Routes {
    /// The session that a message of the client is about, by its params or by what it answers.
    pub(super) fn scope(&self, message: &Value) -> Option<String> {
        match message.get("method") {
            Some(_) => message["params"]["sessionId"].as_str().map(str::to_owned),
            None => self.ours.get(&message.get("id")?.to_string()).cloned(),
        }
    }

    /// The answer to this request of the client.
    pub(super) fn wait_for(&mut self, id: &Value) -> oneshot::Receiver<String> {
        let (sender, answer) = oneshot::channel();
        self.waited.insert(id.to_string(), sender);
        answer
    }

    /// The client asks this of a session, or of the connection. A load is answered on the connection's stream.
    pub(super) fn asked(&mut self, message: &Value, session: Option<String>) {
        let Some(id) = message.get("id").map(Value::to_string) else { return };
        match message["method"].as_str() {
            Some(method) if self.answers.len() < MAX_OPEN => {
                let session = session.filter(|_| method != "session/load");
                self.answers.insert(id, session.map_or(StreamOwner::Connection, StreamOwner::Session));
            }
            Some(_) => {}
            None => drop(self.ours.remove(&id)),
        }
    }

    /// Gives a line of the scenario to its stream.
    pub(super) fn route(&mut self, line: String) {
        let message: Value = acp_server::types::json::from_str(&line).unwrap_or_default();
        let id = message["id"].to_string();
        let session = message["params"]["sessionId"].as_str().map(str::to_owned);
        let place = if message.get("method").is_some() {
            if let (Some(session), true) = (&session, message.get("id").is_some() && self.ours.len() < MAX_OPEN) {
                self.ours.insert(id, session.clone());
            }
            let owner = session.map(|session| self.owner(session, &message["params"]["update"]));
            owner.map_or(StreamOwner::Connection, StreamOwner::Session)
        } else {
            if let Some(waited) = self.waited.remove(&id) {
                // Whoever asked may be gone.
                let _ = waited.send(line);
                return;
            }
            self.answers.remove(&id).unwrap_or(StreamOwner::Connection)
        };
        if let Some(stream) = self.stream(place) {
            drop(stream.sender.try_send(line));
        }
    }

    /// The session whose stream a message belongs to, which is the parent's for one of a child.
    fn owner(&mut self, session: String, update: &Value) -> String {
        let owner = self.parents.get(&session).cloned().unwrap_or(session);
        if update["sessionUpdate"] == "subagent_update" && self.parents.len() < MAX_STREAMS {
            self.parents.insert(update["sessionId"].as_str().unwrap_or_default().to_owned(), owner.clone());
        }
        owner
    }

    fn stream(&mut self, place: StreamOwner) -> Option<&mut Stream> {
        if self.ended || (self.streams.len() >= MAX_STREAMS && !self.streams.contains_key(&place)) {
            return None;
        }
        Some(self.streams.entry(place).or_insert_with(Stream::new))
    }

    /// The messages of a stream, for one listener; a new one takes the place of one that has left.
    pub(super) fn listen(&mut self, place: StreamOwner) -> Option<mpsc::Receiver<String>> {
        let stream = self.stream(place)?;
        if stream.sender.is_closed() {
            *stream = Stream::new();
        }
        stream.receiver.take()
    }

    /// Closes all streams.
    pub(super) fn end(&mut self) {
        self.ended = true;
        self.streams.clear();
        self.waited.clear();
    }
}

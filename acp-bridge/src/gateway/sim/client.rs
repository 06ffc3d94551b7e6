//! A client that wants its prompts done whatever happens to its connection, and the gateway's end of that connection.

use std::collections::BTreeMap;
use std::sync::Arc;

use acp_server::proto::{self, RequestKey};
use acp_types::record::{Record, Seq};
use bytes::Bytes;
use serde_json::{Value, json};

use super::owner::SESSION;
use crate::gateway::Limits;
use crate::gateway::attachment::AttachmentId;
use crate::gateway::connection::{Connection, Effect};
use crate::gateway::outgoing::Item;
use crate::gateway::presence::Presence;

/// What became of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// Not sent, or sent and not answered.
    Open,
    /// Its answer, as the client read it.
    Answered(Value),
}

/// One update that the client was shown, and through which of its connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) seq: Seq,
    pub(super) connection: Arc<str>,
}

/// A client for the time of a run.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) name: usize,
    /// How often it has connected.
    pub(super) connections: u64,
    pub(super) link: Option<Link>,
    /// Seq of the last update that it has.
    pub(super) cursor: Seq,
    pub(super) shown: Vec<Shown>,
    /// By key.
    pub(super) prompts: BTreeMap<String, Fate>,
    /// Prompts that were sent more than once.
    pub(super) repeated: u64,
}

/// One connection of a client.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) id: Arc<str>,
    pub(super) connection: Connection,
    core: proto::Connection,
    next_request: u64,
    /// The prompts that wait for an answer on it: request and key.
    requests: BTreeMap<u64, String>,
    /// Questions of the agent that it may answer.
    pub(super) asks: Vec<RequestKey>,
    pub(super) tail: Option<(AttachmentId, Seq)>,
    /// It may prompt: `session/resume` was answered.
    pub(super) attached: bool,
    resuming: u64,
}

impl Client {
    pub(super) fn new(name: usize) -> Self {
        Self { name, connections: 0, link: None, cursor: 0, shown: Vec::new(), prompts: BTreeMap::new(), repeated: 0 }
    }

    /// Opens a connection and goes on where it was.
    pub(super) fn connect(&mut self) {
        self.connections += 1;
        let id: Arc<str> = format!("client {} connection {}", self.name, self.connections).into();
        let mut link = Link {
            connection: Connection::new(Arc::clone(&id), Limits::default(), Presence::new(), Arc::default()),
            id,
            core: proto::Connection::new(proto::Limits::default()),
            next_request: 0,
            requests: BTreeMap::new(),
            asks: Vec::new(),
            tail: None,
            attached: false,
            resuming: 0,
        };
        link.request("initialize", &json!({ "protocolVersion": 1 }));
        self.link = Some(link);
    }

    /// Sends a prompt under a key, again perhaps.
    pub(super) fn prompt(&mut self, key: &str) {
        let Some(link) = self.link.as_mut().filter(|link| link.attached) else { return };
        if link.requests.values().any(|sent| sent == key) {
            return;
        }
        let again = self.prompts.insert(key.to_owned(), Fate::Open).is_some();
        self.repeated += u64::from(again);
        let params = json!({
            "sessionId": SESSION,
            "prompt": [{ "type": "text", "text": key }],
            "_meta": { "acp-bridge": { "key": key } },
        });
        let id = link.request("session/prompt", &params);
        link.requests.insert(id, key.to_owned());
    }

    pub(super) fn cancel(&mut self) {
        if let Some(link) = self.link.as_mut().filter(|link| link.attached) {
            link.send(&json!({ "jsonrpc": "2.0", "method": "session/cancel", "params": { "sessionId": SESSION } }));
        }
    }

    /// Answers a question.
    pub(super) fn answer(&mut self, which: usize) {
        let Some(link) = &mut self.link else { return };
        if link.asks.is_empty() {
            return;
        }
        let key = link.asks.remove(which % link.asks.len());
        // The core has to have sent it.
        link.core.request(key, "m", None).expect("a new key");
        while link.core.next_frame().is_some() {}
        let outcome = json!({ "outcome": { "outcome": "selected", "optionId": "yes" } });
        link.send(&json!({ "jsonrpc": "2.0", "id": key.0, "result": outcome }));
    }

    /// Shows it the next records, some of them.
    pub(super) fn records(&mut self, log: &[Arc<Record>], some: usize) {
        let Some(link) = &mut self.link else { return };
        let Some((attachment, cursor)) = &mut link.tail else { return };
        let from = usize::try_from(*cursor).expect("a cursor");
        let upto = log.len().min(from + some);
        if from < upto {
            *cursor = upto as u64;
            link.connection.records(*attachment, &log[from..upto]);
            self.read();
        }
    }

    /// Reads what the gateway has written.
    pub(super) fn read(&mut self) {
        let Some(mut link) = self.link.take() else { return };
        for item in link.connection.take_output() {
            match item {
                Item::Frames(frames) => {
                    for frame in frames {
                        self.notification(&link, &frame);
                    }
                }
                Item::Respond { id, outcome } => {
                    let id = id.as_raw().as_u64().expect("a number");
                    let outcome = match outcome {
                        Ok(result) => json!({ "result": parse(result.as_str()) }),
                        Err(error) => json!({ "error": parse(error.as_raw().as_str()) }),
                    };
                    self.response(&mut link, id, outcome);
                }
                Item::Request { key, .. } => link.asks.push(key),
                Item::Cancel(key) => link.asks.retain(|ask| *ask != key),
            }
        }
        self.link = Some(link);
    }

    fn notification(&mut self, link: &Link, frame: &[u8]) {
        let message = parse(std::str::from_utf8(frame).expect("UTF-8"));
        if message["method"] != "session/update" {
            return;
        }
        let seq = message["params"]["_meta"]["acp-bridge"]["seq"].as_u64().expect("a seq");
        assert!(seq > self.cursor, "P3: update {seq} came after {}", self.cursor);
        self.cursor = seq;
        self.shown.push(Shown { seq, connection: Arc::clone(&link.id) });
    }

    fn response(&mut self, link: &mut Link, id: u64, outcome: Value) {
        if let Some(key) = link.requests.remove(&id) {
            let before = self.prompts.insert(key.clone(), Fate::Answered(outcome));
            assert_eq!(before, Some(Fate::Open), "{key} was answered twice");
        } else if id == 1 {
            let meta = json!({ "acp-bridge": { "after": self.cursor } });
            let params = json!({ "sessionId": SESSION, "cwd": "/", "mcpServers": [], "_meta": meta });
            link.resuming = link.request("session/resume", &params);
        } else if id == link.resuming {
            assert!(outcome["error"].is_null(), "resume was refused: {outcome}");
            link.attached = true;
        }
    }
}

impl Link {
    fn request(&mut self, method: &str, params: &Value) -> u64 {
        self.next_request += 1;
        let id = self.next_request;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    fn send(&mut self, message: &Value) {
        self.core.receive(Bytes::from(message.to_string()));
        while let Some(event) = self.core.next_event() {
            self.connection.handle(event);
        }
    }

    /// What the connection wants done, tails aside.
    pub(super) fn effects(&mut self) -> Vec<Effect> {
        let mut others = Vec::new();
        for effect in self.connection.take_effects() {
            match effect {
                Effect::Tail { attachment, after, .. } => self.tail = Some((attachment, after)),
                Effect::Untail { .. } => self.tail = None,
                other => others.push(other),
            }
        }
        others
    }
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

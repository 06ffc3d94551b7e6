//! One connection of a client, with the gateway's end of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use acp_server::proto;
use acp_types::Raw;
use acp_types::record::{Record, Seq};
use bytes::Bytes;
use serde_json::{Value, json};

use super::client::Fate;
use super::tail::{Shared, Tail};
use super::visit::{Ask, Visit};
use crate::gateway::Limits;
use crate::gateway::connection::{Connection, Effect};
use crate::gateway::outgoing::Item;
use crate::gateway::presence::Notifier;
use crate::service::{Caller, Principal};

/// What a client learns from what it reads.
#[derive(Debug)]
pub(super) enum Read {
    /// What became of a prompt.
    Prompt { key: String, answer: Fate },
    /// An update with this seq.
    Shown(Seq),
}

/// One connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) visit: Visit,
    pub(super) connection: Connection,
    notifier: Notifier,
    core: proto::Connection,
    next_request: u64,
    /// The prompts that wait for an answer on it: request and key.
    requests: BTreeMap<u64, String>,
    shared: Shared,
    pub(super) tail: Option<Tail>,
    /// It may ask for things: it has come to the session.
    pub(super) attached: bool,
    entering: u64,
    answers: u64,
}

impl Link {
    pub(super) fn open(visit: Visit, shared: &Shared) -> Self {
        let notifier = Notifier::default();
        let id = Arc::clone(&visit.connection);
        let mut link = Self {
            visit,
            connection: Connection::new(
                Caller::new(Arc::new(Principal::admin("sim")), id),
                Limits::default(),
                Arc::clone(&shared.presence),
                Arc::clone(&notifier),
            ),
            notifier,
            core: proto::Connection::new(proto::Limits::default()),
            next_request: 0,
            requests: BTreeMap::new(),
            shared: shared.clone(),
            tail: None,
            attached: false,
            entering: 0,
            answers: 0,
        };
        link.request("initialize", &json!({ "protocolVersion": 1 }));
        link
    }

    pub(super) fn waits_for(&self, key: &str) -> bool {
        self.requests.values().any(|sent| sent == key)
    }

    pub(super) fn prompt(&mut self, key: &str, params: &Value) {
        let id = self.request("session/prompt", params);
        self.requests.insert(id, key.to_owned());
        self.visit.sent.push(key.to_owned());
    }

    /// Gives up on a prompt, if it waits for one.
    pub(super) fn give_up(&mut self) -> bool {
        let Some(&id) = self.requests.keys().next() else { return false };
        self.send(&json!({ "jsonrpc": "2.0", "method": "$/cancel_request", "params": { "requestId": id } }));
        true
    }

    /// Answers a question, with words that nobody else uses.
    pub(super) fn answer(&mut self, which: usize) {
        let open: Vec<usize> = (0..self.visit.asks.len())
            .filter(|&at| !self.visit.asks[at].answered && !self.visit.asks[at].withdrawn)
            .collect();
        if open.is_empty() {
            return;
        }
        let ask = &mut self.visit.asks[open[which % open.len()]];
        ask.answered = true;
        let key = ask.key;
        // The core has to have sent it.
        self.core.request(key, "m", None).expect("a new key");
        while self.core.next_frame().is_some() {}
        self.answers += 1;
        let option = format!("{}/{}", self.visit.connection, self.answers);
        let result = json!({ "outcome": { "outcome": "selected", "optionId": option } });
        self.send(&json!({ "jsonrpc": "2.0", "id": key.0, "result": result }));
    }

    pub(super) fn request(&mut self, method: &str, params: &Value) -> u64 {
        self.next_request += 1;
        let id = self.next_request;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    pub(super) fn send(&mut self, message: &Value) {
        self.core.receive(Bytes::from(message.to_string()));
        while let Some(event) = self.core.next_event() {
            self.connection.handle(event);
        }
    }

    /// Shows it the next records, some of them.
    pub(super) fn records(&mut self, log: &[Arc<Record>], some: usize) {
        let Some(tail) = &mut self.tail else { return };
        if let Some(batch) = tail.read(log, some) {
            self.visit.reached = tail.cursor;
            self.connection.records(tail.attachment, batch);
        }
    }

    /// Looks at who is there if it should.
    pub(super) fn hear(&mut self) {
        let mut notified = std::pin::pin!(self.notifier.notified());
        if notified.as_mut().enable() {
            self.connection.presence_changed();
        }
    }

    /// What the connection wants done, tails aside.
    pub(super) fn effects(&mut self) -> Vec<Effect> {
        let mut others = Vec::new();
        for effect in self.connection.take_effects() {
            match effect {
                Effect::Tail { attachment, after, .. } => self.tail = Some(Tail::open(&self.shared, attachment, after)),
                Effect::Untail { .. } => self.tail = None,
                other => others.push(other),
            }
        }
        others
    }

    /// Reads what the gateway has written.
    pub(super) fn read(&mut self, client: usize, cursor: Seq) -> Vec<Read> {
        let mut read = Vec::new();
        for item in self.connection.take_output() {
            match item {
                Item::Frames(frames) => {
                    for frame in frames {
                        self.visit.notification(std::str::from_utf8(&frame).expect("UTF-8"));
                    }
                    read.extend(self.visit.shown.last().map(|shown| Read::Shown(shown.seq)));
                }
                Item::Respond { id, outcome } => {
                    let id = id.as_raw().as_u64().expect("a number");
                    let outcome = match outcome {
                        Ok(result) => json!({ "result": parse(result.as_str()) }),
                        Err(error) => json!({ "error": parse(error.as_raw().as_str()) }),
                    };
                    read.extend(self.response((client, cursor), id, outcome));
                }
                Item::Request { key, params, .. } => {
                    let question = params.as_raw().path(&["toolCall", "toolCallId"]).and_then(Raw::as_string);
                    let question = question.expect("a question").into_owned();
                    self.visit.asks.push(Ask { key, question, answered: false, withdrawn: false });
                }
                Item::Cancel(key) => {
                    let ask = self.visit.asks.iter_mut().find(|ask| ask.key == key);
                    ask.expect("what is withdrawn was asked").withdrawn = true;
                }
            }
        }
        read
    }

    fn response(&mut self, (client, cursor): (usize, Seq), id: u64, outcome: Value) -> Option<Read> {
        if let Some(key) = self.requests.remove(&id) {
            let ours = if outcome["error"].is_null() { &outcome["result"]["_meta"] } else { &outcome["error"]["data"] };
            let ours = &ours["acp-bridge"];
            if ours["outcome"].is_null() {
                return Some(Read::Prompt { key, answer: Fate::Refused(outcome) });
            }
            self.visit.told = self.visit.told.max(ours["seq"].as_u64().unwrap_or(0));
            self.visit.answered.push(ours["turn"].as_u64().expect("a turn"));
            return Some(Read::Prompt { key, answer: Fate::Answered(outcome) });
        }
        if id == 1 {
            let (method, params) = self.visit.request(client, cursor);
            self.entering = self.request(method, &params);
        } else if id == self.entering {
            assert!(outcome["error"].is_null(), "{:?} was refused: {outcome}", self.visit.entry);
            self.attached = true;
            if let Some(replayed) = outcome["result"]["replayed"].as_u64() {
                assert_eq!(replayed, self.visit.shown.len() as u64, "the answer says how much was shown");
            }
        }
        None
    }
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

//! One connection of a client, as the client has it.

use std::collections::BTreeMap;
use std::sync::Arc;

use acp_types::Raw;
use acp_types::record::Seq;
use bytes::Bytes;
use serde_json::{Value, json};

use super::agent::parse;
use super::disk::Disk;
use super::fault::Fault;
use super::socket::{ClientEnd, Written};
use super::visit::{Ask, Visit};

/// End of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// Not sent, or sent and not answered, or nobody knows.
    Open,
    /// It was not accepted, and why.
    Refused(Value),
    /// How its turn ended, as the client read it.
    Answered(Value),
}

/// News that a client reads.
#[derive(Debug)]
pub(super) enum Read {
    /// End of a prompt.
    Prompt { key: String, answer: Fate },
    /// An update with this seq.
    Shown(Seq),
}

/// State of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A connection that has said hello.
    Greets,
    /// It wants to come to the session, when the log had this head.
    Comes(Seq),
    Attached,
    /// A connection that was turned away.
    Rejected,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) visit: Visit,
    /// The number of its gateway.
    pub(super) gateway: u64,
    socket: ClientEnd,
    session: Arc<str>,
    phase: Phase,
    next_request: u64,
    /// The prompts that wait for an answer on it: request and key.
    requests: BTreeMap<u64, String>,
    entering: u64,
    answers: u64,
}

/// The code of an error after which nobody knows whether anything was done.
const FAILED: i64 = -32603;

/// Beginnings of errors that say why the agent of a turn did not come.
const AGENT_FAILED: &str = "the agent ";

impl Link {
    pub(super) fn open(visit: Visit, session: Arc<str>, gateway: u64, socket: ClientEnd, disk: &Disk) -> Self {
        let (requests, phase) = (BTreeMap::new(), Phase::Greets);
        let mut link =
            Self { visit, gateway, socket, session, phase, next_request: 0, requests, entering: 0, answers: 0 };
        let offers = link.visit.family.is_wanted || disk.goes_wrong(Fault::ChildrenUnwanted, 30);
        let capabilities = if offers { json!({ "subagents": {} }) } else { json!({}) };
        link.request("initialize", &json!({ "protocolVersion": 1, "clientCapabilities": capabilities }));
        link
    }

    /// It may ask for things: it has come to the session.
    pub(super) fn is_attached(&self) -> bool {
        self.phase == Phase::Attached
    }

    /// It is of no use any more.
    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Rejected || self.socket.is_over()
    }

    /// Nothing is on the way.
    pub(super) fn is_quiet(&self) -> bool {
        self.socket.is_quiet()
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

    /// Stops the work of a child session of which it has been told.
    pub(super) fn stop_child(&mut self, which: usize) {
        let Some(child) = self.visit.family.known.keys().nth(which).cloned() else { return };
        self.send(&json!({ "jsonrpc": "2.0", "method": "session/cancel", "params": { "sessionId": child } }));
        self.visit.family.stops.insert(child);
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
        self.answers += 1;
        let option = format!("{}/{}", self.visit.connection, self.answers);
        let result = json!({ "outcome": { "outcome": "selected", "optionId": option } });
        self.send(&json!({ "jsonrpc": "2.0", "id": key, "result": result }));
    }

    pub(super) fn request(&mut self, method: &str, params: &Value) -> u64 {
        self.next_request += 1;
        let id = self.next_request;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    pub(super) fn send(&self, message: &Value) {
        self.socket.send(message.to_string());
    }

    /// Reads the next messages of its gateway, so many at most.
    pub(super) fn read(&mut self, client: usize, cursor: Seq, disk: &Disk, most: usize) -> Vec<Read> {
        let mut read = Vec::new();
        for written in self.socket.read(most) {
            self.take((client, cursor, disk), written, &mut read);
        }
        read
    }

    fn take(&mut self, (client, cursor, disk): (usize, Seq, &Disk), (written, frame): Written, read: &mut Vec<Read>) {
        let message = parse(&frame);
        if is_introduction(message) && disk.goes_wrong(Fault::ChildUntold, 30) {
            return;
        }
        let id = message.member("id").and_then(Raw::as_u64);
        let method = message.member("method").and_then(Raw::as_string);
        self.visit.family.read(&self.session, std::str::from_utf8(&frame).expect("UTF-8"));
        match (method.as_deref(), id) {
            (Some("$/cancel_request"), None) => {
                let key = message.path(&["params", "requestId"]).and_then(Raw::as_u64).expect("a request");
                let ask = self.visit.asks.iter_mut().find(|ask| ask.key == key);
                ask.expect("what is withdrawn was asked").withdrawn = true;
            }
            (Some(acp_types::meta::TURN_ENDED), None) if disk.goes_wrong(Fault::EndUntold, 30) => {}
            (Some(_), None) => {
                let before = self.visit.shown.len();
                self.visit.notification(std::str::from_utf8(&frame).expect("UTF-8"));
                if self.visit.shown.len() > before {
                    read.extend(self.visit.shown.last().map(|shown| Read::Shown(shown.seq)));
                }
            }
            (Some(_), Some(key)) => {
                let question = message.path(&["params", "toolCall", "toolCallId"]).and_then(Raw::as_string);
                let mut question = question.expect("a question").into_owned();
                if disk.goes_wrong(Fault::NotAsked, 30) {
                    question.clear();
                }
                self.visit.asks.push(Ask { key, question, answered: false, withdrawn: false });
            }
            (None, Some(id)) => read.extend(self.response((client, cursor, disk.head()), id, &frame, written)),
            (None, None) => panic!("{frame:?} is no message"),
        }
        if self.visit.told > written {
            self.visit.early.get_or_insert((self.visit.told, written));
        }
    }

    fn response(
        &mut self,
        (client, cursor, head): (usize, Seq, Seq),
        id: u64,
        frame: &Bytes,
        written: Seq,
    ) -> Option<Read> {
        let outcome: Value = serde_json::from_slice(frame).expect("JSON");
        let failed = !outcome["error"].is_null();
        if let Some(key) = self.requests.remove(&id) {
            let ours = if failed { &outcome["error"]["data"] } else { &outcome["result"]["_meta"] };
            let ours = &ours["acp-bridge"];
            if ours["outcome"].is_null() {
                if outcome["error"]["message"].as_str().is_some_and(|message| message.starts_with(AGENT_FAILED)) {
                    // The turn has failed, and the error is as the log has it.
                    self.visit.failed.push(key.clone());
                    return Some(Read::Prompt { key, answer: Fate::Answered(outcome) });
                }
                // Whoever does not know whether it is accepted sends it again.
                let refused = outcome["error"]["code"] != FAILED;
                return Some(Read::Prompt { key, answer: if refused { Fate::Refused(outcome) } else { Fate::Open } });
            }
            self.visit.told = self.visit.told.max(ours["seq"].as_u64().unwrap_or(0));
            self.visit.answered.push(ours["turn"].as_u64().expect("a turn"));
            return Some(Read::Prompt { key, answer: Fate::Answered(outcome) });
        }
        match self.phase {
            Phase::Greets | Phase::Comes(_) if failed && (id == 1 || id == self.entering) => {
                self.phase = Phase::Rejected
            }
            Phase::Greets if id == 1 => {
                let (method, params) = self.visit.request(&self.session, client, cursor);
                self.entering = self.request(method, &params);
                self.phase = Phase::Comes(head);
            }
            Phase::Comes(before) if id == self.entering => {
                self.phase = Phase::Attached;
                self.visit.come(&outcome["result"], before, written);
            }
            _ => {}
        }
        None
    }
}

/// Returns whether a message tells of a child session outside the log.
fn is_introduction(message: Raw<'_>) -> bool {
    let kind = message.path(&["params", "update", "sessionUpdate"]).and_then(Raw::as_string);
    kind.as_deref() == Some("subagent_update") && message.path(&["params", "_meta", "acp-bridge", "seq"]).is_none()
}

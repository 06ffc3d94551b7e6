//! An agent process: it has a prompt at most, says things, asks, obeys or not, and can be killed.

use std::collections::{BTreeMap, VecDeque};

use acp_server::proto;
use acp_types::record::body::{AgentLink, AgentStarted, Start};
use acp_types::{RawBuf, RequestId};
use bytes::Bytes;

use super::dice::Dice;
use crate::session::{CallId, FromAgent};

pub(super) fn raw(text: &str) -> RawBuf {
    RawBuf::parse(text).expect("JSON")
}

/// The agent's side of one process.
#[derive(Debug, Default)]
pub(super) struct Agent {
    /// It runs.
    pub(super) alive: bool,
    /// It is being started.
    pub(super) starting: bool,
    prompt: Option<CallId>,
    cancelled: bool,
    asked: u64,
    /// Its questions that have no answer, and the message in which it asked.
    open: BTreeMap<u64, u64>,
    said: u64,
    /// How often each of its questions was answered.
    pub(super) answers: BTreeMap<u64, u64>,
    /// It is connected over a link, so that it outlives the bridge.
    pub(super) links: bool,
    /// How often it was started.
    runs: u64,
    /// The number of its last message in this run.
    position: u64,
    /// What it has said and the bridge has not acknowledged.
    held: VecDeque<(u64, Says)>,
    /// There is no bridge, or none that knows it yet.
    away: bool,
    /// The bridge waits for it to come back, whether or not it is still there.
    pub(super) awaited: bool,
}

/// One thing that it says.
#[derive(Debug, Clone, Copy)]
pub(super) enum Says {
    Something(u64),
    Asks(u64),
    Ends { call: CallId, reason: &'static str },
}

impl Says {
    pub(super) fn event(self) -> FromAgent {
        match self {
            Self::Something(number) => update(number),
            Self::Asks(number) => {
                let params = raw(r#"{"sessionId":"a","toolCall":{"toolCallId":"c"},"options":[]}"#);
                let method = "session/request_permission".to_owned();
                FromAgent::Request { id: id(number), method, params: Some(params) }
            }
            Self::Ends { call, reason } => {
                FromAgent::Answered { call, outcome: Ok(raw(&format!(r#"{{"stopReason":"{reason}"}}"#))) }
            }
        }
    }
}

impl Agent {
    /// One that dies with the bridge, or one that is connected over a link and does not.
    pub(super) fn new(links: bool) -> Self {
        Self { links, ..Self::default() }
    }

    /// The process is gone, and with it all it knew; its numbers go on, so that nothing is said twice.
    pub(super) fn die(&mut self) {
        let answers = std::mem::take(&mut self.answers);
        let Self { asked, said, links, runs, awaited, .. } = *self;
        *self = Self { asked, said, links, runs, awaited, answers, ..Self::default() };
    }

    /// The bridge is gone. Whoever is not connected over a link goes with it.
    pub(super) fn lose_bridge(&mut self) {
        self.awaited = false;
        if self.links && self.alive {
            self.away = true;
        } else {
            self.die();
        }
    }

    /// It has started, and the number of the message in which it said so.
    pub(super) fn started(&mut self) -> (Option<u64>, FromAgent) {
        self.starting = false;
        self.alive = true;
        self.runs += 1;
        self.position = 2;
        let (initialize, state) = (raw("{}"), raw("{}"));
        let link = self.links.then(|| AgentLink { instance: self.instance(), keep_ms: 1000 });
        let started = AgentStarted { agent_session: "a".into(), start: Start::Resume, initialize, state, link };
        (self.links.then_some(self.position), FromAgent::Started(started))
    }

    fn instance(&self) -> String {
        format!("run {}", self.runs)
    }

    /// The bridge waits for this run, from the end of the log on. Another one is refused when it comes.
    pub(super) fn wait_for(&mut self, link: &AgentLink, received: u64, call: Option<CallId>) {
        self.awaited = true;
        if self.alive && self.instance() != link.instance {
            self.die();
        }
        self.held.retain(|(position, _)| *position > received);
        assert!(call.is_some() || !self.has_prompt(), "its prompt is in the log");
        if let Some(new) = call {
            self.prompt = self.prompt.map(|_| new);
            for (_, says) in &mut self.held {
                if let Says::Ends { call, .. } = says {
                    *call = new;
                }
            }
        }
    }

    /// It comes back with what the bridge has not got, or it does not.
    pub(super) fn returns(&mut self) -> Vec<(Option<u64>, FromAgent)> {
        self.awaited = false;
        if !self.alive {
            return vec![(None, FromAgent::Exited { reason: "it did not come back".to_owned() })];
        }
        self.away = false;
        let follows = |position| self.held.iter().any(|(held, _)| *held == position);
        let waits = self.open.iter().filter(|(_, position)| !follows(**position));
        let asked = waits.map(|(number, position)| (*position, id(*number))).collect();
        let returned = (None, FromAgent::Returned { has_prompt: self.has_prompt(), asked });
        let again = self.held.iter().map(|(position, says)| (Some(*position), says.event()));
        std::iter::once(returned).chain(again).collect()
    }

    fn has_prompt(&self) -> bool {
        self.prompt.is_some() || self.held.iter().any(|(_, says)| matches!(says, Says::Ends { .. }))
    }

    /// How many things it has said, if it is connected over a link and has never died.
    pub(super) fn said_in_one_run(&self) -> Option<u64> {
        (self.links && self.alive && self.runs == 1).then_some(self.said)
    }

    /// Whether the bridge hears it.
    pub(super) fn is_connected(&self) -> bool {
        self.alive && !self.away
    }

    /// What it has said is on stable storage.
    pub(super) fn acknowledged(&mut self) {
        if !self.away {
            self.held.clear();
        }
    }

    pub(super) fn prompt(&mut self, call: CallId) {
        assert!(self.prompt.is_none(), "a second prompt while one runs");
        self.prompt = Some(call);
        self.cancelled = false;
    }

    pub(super) fn cancel(&mut self) {
        self.cancelled = true;
    }

    pub(super) fn answered(&mut self, id: &RequestId) {
        let number = id.as_raw().as_u64().expect("a number");
        self.open.remove(&number);
        *self.answers.entry(number).or_default() += 1;
    }

    pub(super) fn is_idle(&self) -> bool {
        self.prompt.is_none() && !self.awaited
    }

    /// The next thing that it does, if it has anything to do and there is a bridge to hear it. `calm` brings it to the end
    /// of its turn.
    pub(super) fn act(&mut self, dice: &mut Dice, calm: bool) -> Option<(Option<u64>, FromAgent)> {
        let call = self.prompt?;
        let wants = if calm { 9 } else { dice.below(10) };
        let next = self.position + 1;
        let says = match wants {
            0..=4 => {
                self.said += 1;
                Says::Something(self.said)
            }
            5 | 6 if self.open.len() < 2 && !self.cancelled => {
                self.asked += 1;
                self.open.insert(self.asked, next);
                Says::Asks(self.asked)
            }
            // What it has asked is answered before its turn ends.
            _ if !self.open.is_empty() => return None,
            _ => {
                self.prompt = None;
                Says::Ends { call, reason: if self.cancelled { "cancelled" } else { "end_turn" } }
            }
        };
        self.position = next;
        if !self.links {
            return Some((None, says.event()));
        }
        self.held.push_back((next, says));
        self.is_connected().then(|| (Some(next), says.event()))
    }
}

fn id(number: u64) -> RequestId {
    serde_json::from_value(serde_json::json!(number)).expect("an id")
}

/// A `session/update` as it comes off a wire.
fn update(number: u64) -> FromAgent {
    let text = format!(
        r#"{{"jsonrpc":"2.0","method":"session/update","params":{{"sessionId":"a","update":{{"sessionUpdate":"agent_message_chunk","content":{{"type":"text","text":"{number} "}}}}}}}}"#
    );
    let mut core = proto::Connection::new(proto::Limits::default());
    core.receive(Bytes::from(text));
    match core.next_event() {
        Some(proto::Event::Notification(notification)) => {
            FromAgent::Update(notification.into_payload().expect("params"))
        }
        other => panic!("{other:?}"),
    }
}

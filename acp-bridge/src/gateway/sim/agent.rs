//! An agent process: it has a prompt at most, says things, asks, obeys or not, and can be killed.

use std::collections::BTreeMap;

use acp_server::proto;
use acp_types::record::body::{AgentStarted, Start};
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
    open: BTreeMap<u64, ()>,
    said: u64,
    /// How often each of its questions was answered.
    pub(super) answers: BTreeMap<u64, u64>,
}

impl Agent {
    /// The process is gone, and with it all it knew; its numbers go on, so that nothing is said twice.
    pub(super) fn die(&mut self) {
        *self =
            Self { asked: self.asked, said: self.said, answers: std::mem::take(&mut self.answers), ..Self::default() };
    }

    pub(super) fn started(&mut self) -> FromAgent {
        self.starting = false;
        self.alive = true;
        let (initialize, state) = (raw("{}"), raw("{}"));
        FromAgent::Started(AgentStarted {
            agent_session: "a".into(),
            start: Start::Resume,
            initialize,
            state,
            link: None,
        })
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
        self.prompt.is_none()
    }

    /// The next thing that it does, if it has anything to do. `calm` brings it to the end of its turn.
    pub(super) fn act(&mut self, dice: &mut Dice, calm: bool) -> Option<FromAgent> {
        let call = self.prompt?;
        let wants = if calm { 9 } else { dice.below(10) };
        match wants {
            0..=4 => {
                self.said += 1;
                Some(update(self.said))
            }
            5 | 6 if self.open.len() < 2 && !self.cancelled => {
                self.asked += 1;
                self.open.insert(self.asked, ());
                let params = raw(r#"{"sessionId":"a","toolCall":{"toolCallId":"c"},"options":[]}"#);
                let method = "session/request_permission".to_owned();
                Some(FromAgent::Request { id: id(self.asked), method, params: Some(params) })
            }
            // What it has asked is answered before its turn ends.
            _ if !self.open.is_empty() => None,
            _ => {
                self.prompt = None;
                let reason = if self.cancelled { "cancelled" } else { "end_turn" };
                Some(FromAgent::Answered { call, outcome: Ok(raw(&format!(r#"{{"stopReason":"{reason}"}}"#))) })
            }
        }
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

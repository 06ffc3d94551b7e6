//! An agent process: it has a prompt at most, says things, asks, takes messages in, obeys or not, and can be killed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use acp_server::proto;
use acp_types::record::body::{AgentStarted, Start};
use acp_types::{RawBuf, RequestId};
use bytes::Bytes;

use super::dice::Dice;
use crate::session::{CallId, FromAgent};

pub(super) fn raw(text: &str) -> RawBuf {
    RawBuf::parse(text).expect("JSON")
}

/// The modes that agents have.
pub(super) const MODES: [&str; 4] = ["ask", "plan", "code", "late"];

/// A call of the host with the text of the prompt that it carries.
type Given = (CallId, String);

/// The agent of a lane: one process after the other.
#[derive(Debug)]
pub(super) struct Agent {
    lane: Arc<str>,
    /// It runs.
    pub(super) alive: bool,
    /// It is being started.
    pub(super) starting: bool,
    prompt: Option<Given>,
    cancelled: bool,
    /// Messages for the running turn that it has not answered.
    offers: Vec<Given>,
    /// Questions that have no answer.
    open: BTreeSet<u64>,
    asked: u64,
    /// Modes that it is to be in and has not answered.
    wanted: VecDeque<Given>,
    /// The mode that it is in; each process begins in the first.
    mode: String,
    /// How often it was started.
    starts: u64,
    /// What it has said, by its text: the `update` as it was written.
    pub(super) said: BTreeMap<String, String>,
    /// How often it was given each prompt to work on, by its text.
    pub(super) taken: BTreeMap<String, u64>,
    /// What each of its questions was answered with.
    pub(super) answers: BTreeMap<String, Vec<String>>,
}

impl Agent {
    pub(super) fn new(lane: &str) -> Self {
        Self {
            lane: lane.into(),
            alive: false,
            starting: false,
            prompt: None,
            cancelled: false,
            offers: Vec::new(),
            open: BTreeSet::new(),
            asked: 0,
            wanted: VecDeque::new(),
            mode: MODES[0].to_owned(),
            starts: 0,
            said: BTreeMap::new(),
            taken: BTreeMap::new(),
            answers: BTreeMap::new(),
        }
    }

    /// The process is gone, and with it all it knew; its numbers go on, so that nothing is said twice.
    pub(super) fn die(&mut self) {
        (self.alive, self.starting, self.cancelled) = (false, false, false);
        self.prompt = None;
        self.offers.clear();
        self.open.clear();
        self.wanted.clear();
    }

    pub(super) fn started(&mut self) -> FromAgent {
        self.starting = false;
        self.alive = true;
        self.starts += 1;
        MODES[0].clone_into(&mut self.mode);
        let initialize = raw(r#"{"_meta":{"steering":{"supported":true}}}"#);
        // Now and then it does not say what mode it is in.
        let silent = self.starts.is_multiple_of(3);
        let state =
            if silent { "{}".to_owned() } else { format!(r#"{{"modes":{{"currentModeId":"{}"}}}}"#, self.mode) };
        let state = raw(&state);
        FromAgent::Started(AgentStarted {
            agent_session: Some("a".into()),
            start: Start::Resume,
            initialize,
            state,
            link: None,
        })
    }

    pub(super) fn prompt(&mut self, call: CallId, text: String) {
        assert!(self.prompt.is_none(), "a second prompt while one runs");
        *self.taken.entry(text.clone()).or_default() += 1;
        self.prompt = Some((call, text));
        self.cancelled = false;
    }

    pub(super) fn offer(&mut self, call: CallId, text: String) {
        self.offers.push((call, text));
    }

    /// It is to be in a mode.
    pub(super) fn want(&mut self, call: CallId, mode: String) {
        self.wanted.push_back((call, mode));
    }

    /// The mode that it is in.
    pub(super) fn mode(&self) -> &str {
        &self.mode
    }

    pub(super) fn cancel(&mut self) {
        self.cancelled = true;
    }

    /// The text of the prompt that it works on.
    pub(super) fn works_on(&self) -> Option<&str> {
        self.prompt.as_ref().map(|(_, text)| text.as_str())
    }

    pub(super) fn answered(&mut self, id: &RequestId, answer: &RawBuf) {
        let number = id.as_raw().as_u64().expect("a number");
        self.open.remove(&number);
        let question = format!("{}-{number}", self.lane);
        self.answers.entry(question).or_default().push(answer.as_str().to_owned());
    }

    /// Whether it has asked this and has no answer.
    pub(super) fn waits_for(&self, question: &str) -> bool {
        self.open.iter().any(|number| format!("{}-{number}", self.lane) == question)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.prompt.is_none() && self.offers.is_empty() && self.wanted.is_empty() && !self.starting
    }

    /// The next thing that it does, if it has anything to do. `calm` brings it to the end of its turn.
    pub(super) fn act(&mut self, dice: &mut Dice, calm: bool) -> Option<FromAgent> {
        if !self.offers.is_empty() && (calm || dice.percent(40)) {
            return Some(self.take_in(dice));
        }
        if !self.wanted.is_empty() && (calm || dice.percent(60)) {
            return self.change_mode();
        }
        if !calm && dice.percent(4) {
            return Some(self.change_mode_itself(dice));
        }
        let call = self.prompt.as_ref()?.0;
        let wants = if calm { 9 } else { dice.below(10) };
        match wants {
            0..=4 => Some(self.say(dice)),
            5 | 6 if self.open.len() < 2 && !self.cancelled => {
                self.asked += 1;
                self.open.insert(self.asked);
                let question = format!("{}-{}", self.lane, self.asked);
                let params =
                    raw(&format!(r#"{{"sessionId":"a","toolCall":{{"toolCallId":"{question}"}},"options":[]}}"#));
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

    /// Takes the mode that is wanted, or does not: every other process does not know the last.
    fn change_mode(&mut self) -> Option<FromAgent> {
        let (call, mode) = self.wanted.pop_front()?;
        if self.starts.is_multiple_of(2) && mode == MODES[3] {
            return Some(FromAgent::Answered { call, outcome: Err(raw(r#"{"code":1,"message":"unknown mode"}"#)) });
        }
        self.mode = mode;
        Some(FromAgent::Answered { call, outcome: Ok(raw("{}")) })
    }

    /// Goes into another mode by itself, and says so.
    fn change_mode_itself(&mut self, dice: &mut Dice) -> FromAgent {
        MODES[dice.below(3)].clone_into(&mut self.mode);
        let text = format!("{}-{} ", self.lane, self.said.len());
        let mode = &self.mode;
        let update = format!(r#"{{"sessionUpdate":"current_mode_update","currentModeId":"{mode}","_text":"{text}"}}"#);
        self.said.insert(text, update.clone());
        from_wire(&update)
    }

    /// A message goes into the running turn, or does not.
    fn take_in(&mut self, dice: &mut Dice) -> FromAgent {
        let (call, text) = self.offers.remove(0);
        let injected = self.prompt.is_some() && dice.percent(70);
        if injected {
            *self.taken.entry(text).or_default() += 1;
        }
        let outcome = if injected { r#"{"outcome":"injected"}"# } else { r#"{"outcome":"idle"}"# };
        FromAgent::Answered { call, outcome: Ok(raw(outcome)) }
    }

    /// Some of a message; now and then with what no version of ours knows, which is passed on as it stands.
    fn say(&mut self, dice: &mut Dice) -> FromAgent {
        let text = format!("{}-{} ", self.lane, self.said.len());
        let odd = if dice.percent(30) { r#","_odd":{"z":[1e2,30.0,"\u00e9"],"a" : null}"# } else { "" };
        let update =
            format!(r#"{{"sessionUpdate":"agent_message_chunk","content":{{"type":"text","text":"{text}"}}{odd}}}"#);
        self.said.insert(text, update.clone());
        from_wire(&update)
    }
}

fn id(number: u64) -> RequestId {
    serde_json::from_value(serde_json::json!(number)).expect("an id")
}

/// A `session/update` as it comes off a wire.
pub(super) fn from_wire(update: &str) -> FromAgent {
    let text =
        format!(r#"{{"jsonrpc":"2.0","method":"session/update","params":{{"sessionId":"a","update":{update}}}}}"#);
    let mut core = proto::Connection::new(proto::Limits::default());
    core.receive(Bytes::from(text));
    match core.next_event() {
        Some(proto::Event::Notification(notification)) => {
            FromAgent::Update(notification.into_payload().expect("params"))
        }
        other => panic!("{other:?}"),
    }
}

//! An agent process: it has a prompt at most, says things, asks, takes messages in, obeys or not, and can be killed.

mod children;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use acp_types::Raw;
use bytes::Bytes;

use self::children::{ChildAct, Children};
pub(super) use self::children::{SESSION, reference};
use super::dice::Dice;

/// The modes that agents have.
pub(super) const MODES: [&str; 4] = ["ask", "plan", "code", "late"];

/// A request of the host, with the text of the prompt or the mode that it is about.
type Given = (String, String);

/// Record of what the processes of a lane have said and done, one after the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Deeds {
    /// Texts that were said: the `update` as it was written.
    pub(super) said: BTreeMap<String, String>,
    /// The name of the session in which each text was said and each question asked.
    pub(super) speakers: BTreeMap<String, &'static str>,
    /// The name of the child that each text says something of.
    pub(super) subjects: BTreeMap<String, &'static str>,
    /// Names of the children that they were told to stop.
    pub(super) stopped: BTreeSet<String>,
    /// Number of times that they were given each prompt to work on, by its text.
    pub(super) taken: BTreeMap<String, u64>,
    /// Answer to each question.
    pub(super) answers: BTreeMap<String, Vec<String>>,
    asked: u64,
    starts: u64,
}

impl Deeds {
    /// A text that nobody has said yet.
    fn next_text(&self, lane: &str) -> String {
        format!("{lane}-{} ", self.said.len())
    }
}

/// The mode of a process, and what is to be in the log before clients can know it.
#[derive(Debug, Clone)]
pub(super) struct Mode {
    /// Each process begins in the first.
    pub(super) name: String,
    /// How often it has taken one that it was to be in.
    pub(super) taken: usize,
    /// The text of the last update in which it has said that it has changed.
    pub(super) said: Option<String>,
}

/// One process.
#[derive(Debug)]
pub(super) struct AgentProcess {
    pub(super) lane: Arc<str>,
    /// The number of this start among those of its lane.
    start: u64,
    inbox: VecDeque<Bytes>,
    prompt: Option<Given>,
    cancelled: bool,
    /// Messages for the running turn that it has not answered.
    offers: Vec<Given>,
    /// Questions that have no answer, each with the session that has asked it.
    open: BTreeMap<u64, &'static str>,
    children: Children,
    /// Modes that it is to be in and has not answered.
    wanted: VecDeque<Given>,
    pub(super) mode: Mode,
}

/// Next act of a process.
#[derive(Debug)]
pub(super) enum Act {
    Nothing,
    /// It has read something.
    Reads,
    /// It has read that it is to stop; what it works on.
    ReadsStop(Option<String>),
    Writes(String),
}

impl AgentProcess {
    pub(super) fn start(lane: &Arc<str>, deeds: &mut Deeds) -> Self {
        deeds.starts += 1;
        Self {
            lane: Arc::clone(lane),
            start: deeds.starts,
            inbox: VecDeque::new(),
            prompt: None,
            cancelled: false,
            offers: Vec::new(),
            open: BTreeMap::new(),
            children: Children::default(),
            wanted: VecDeque::new(),
            mode: Mode { name: MODES[0].to_owned(), taken: 0, said: None },
        }
    }

    /// Something is in its pipe.
    pub(super) fn hand(&mut self, frame: Bytes) {
        self.inbox.push_back(frame);
    }

    /// Returns whether it has asked this and has read no answer, and none is in its pipe.
    pub(super) fn waits_for(&self, question: &str) -> bool {
        let number = self.open.keys().find(|number| self.question(**number) == question);
        let answers = |number: &u64, frame: &Bytes| {
            let frame = parse(frame);
            frame.member("method").is_none() && id_of(frame) == number.to_string()
        };
        number.is_some_and(|number| !self.inbox.iter().any(|frame| answers(number, frame)))
    }

    fn question(&self, number: u64) -> String {
        format!("{}-{number}", self.lane)
    }

    pub(super) fn is_idle(&self) -> bool {
        let has_nothing = self.offers.is_empty() && self.wanted.is_empty() && self.inbox.is_empty();
        self.prompt.is_none() && has_nothing && self.children.are_idle()
    }

    /// Questions of its session that have no answer.
    fn own_open(&self) -> usize {
        self.open.values().filter(|asked| **asked == SESSION).count()
    }

    /// The next thing that it does, if it has anything to do. `calm` brings it to the end of its turn.
    pub(super) fn act(&mut self, deeds: &mut Deeds, dice: &mut Dice, calm: bool) -> Act {
        if !self.inbox.is_empty() && (calm || dice.percent(60)) {
            return self.read(deeds);
        }
        if !self.offers.is_empty() && (calm || dice.percent(40)) {
            return Act::Writes(self.take_in(deeds, dice));
        }
        if !self.wanted.is_empty() && (calm || dice.percent(60)) {
            return self.change_mode();
        }
        if !calm && self.prompt.is_some() && dice.percent(4) {
            return Act::Writes(self.change_mode_itself(deeds, dice));
        }
        if let Some(act) = self.act_for_child(deeds, dice, calm) {
            return act;
        }
        let Some((call, _)) = &self.prompt else { return Act::Nothing };
        let wants = if calm { 9 } else { dice.below(10) };
        match wants {
            0..=4 => Act::Writes(self.say(deeds, dice)),
            5 | 6 if self.own_open() < 2 && !self.cancelled => Act::Writes(self.ask(SESSION, deeds)),
            // What it has asked is answered before its turn ends.
            _ if self.own_open() > 0 => Act::Nothing,
            _ => {
                let reason = if self.cancelled { "cancelled" } else { "end_turn" };
                let answer = answer(call, &format!(r#"{{"stopReason":"{reason}"}}"#));
                self.prompt = None;
                Act::Writes(answer)
            }
        }
    }

    /// Something is done in the name of a child, or with one. Children may work on when the turn is over.
    fn act_for_child(&mut self, deeds: &mut Deeds, dice: &mut Dice, calm: bool) -> Option<Act> {
        let may = self.prompt.is_some() || !self.children.are_idle();
        if !may || !calm && !dice.percent(30) {
            return None;
        }
        let asking: BTreeSet<&'static str> = self.open.values().copied().collect();
        match self.children.act((&self.lane, deeds), &asking, dice, calm)? {
            ChildAct::Writes(frame) => Some(Act::Writes(frame)),
            ChildAct::Asks(child) => Some(Act::Writes(self.ask(child, deeds))),
        }
    }

    fn read(&mut self, deeds: &mut Deeds) -> Act {
        let Some(frame) = self.inbox.pop_front() else { return Act::Nothing };
        let frame = parse(&frame);
        let params = frame.member("params").unwrap_or(Raw::EMPTY_OBJECT);
        let id = || id_of(frame);
        let method = frame.member("method").and_then(Raw::as_string);
        match method.as_deref() {
            Some("initialize") => {
                self.children.offered(params.path(&["clientCapabilities", "subagents"]).is_some());
                let can = r#"{"sessionCapabilities":{"resume":{}}}"#;
                let steers = r#"{"steering":{"supported":true}}"#;
                let about = format!(r#"{{"protocolVersion":1,"agentCapabilities":{can},"_meta":{steers}}}"#);
                Act::Writes(answer(&id(), &about))
            }
            Some("session/new") => {
                Act::Writes(answer(&id(), &format!(r#"{{"sessionId":"{SESSION}","modes":{}}}"#, self.modes())))
            }
            Some("session/resume") => {
                // Now and then it does not say what mode it is in.
                let silent = self.start.is_multiple_of(3);
                let state = if silent { "{}".to_owned() } else { format!(r#"{{"modes":{}}}"#, self.modes()) };
                Act::Writes(answer(&id(), &state))
            }
            Some("session/prompt") => {
                let text = text_of(params);
                *deeds.taken.entry(text.clone()).or_default() += 1;
                if self.prompt.is_none() {
                    self.prompt = Some((id(), text));
                    self.cancelled = false;
                }
                Act::Reads
            }
            Some("_session/steering") => {
                self.offers.push((id(), text_of(params)));
                Act::Reads
            }
            Some("session/set_mode") => {
                let mode = params.member("modeId").and_then(Raw::as_string).expect("a mode");
                self.wanted.push_back((id(), mode.into_owned()));
                Act::Reads
            }
            Some("session/cancel") if child_in(params).is_some() => {
                let child = child_in(params).unwrap_or_default();
                self.children.stop(&child);
                deeds.stopped.insert(child);
                Act::Reads
            }
            Some("session/cancel") => {
                self.cancelled = true;
                Act::ReadsStop(self.prompt.as_ref().map(|(_, text)| text.clone()))
            }
            None => {
                let number = id().parse().expect("a number of its own");
                self.open.remove(&number);
                let answer = frame.member("result").map_or("no answer", Raw::as_str).to_owned();
                deeds.answers.entry(self.question(number)).or_default().push(answer);
                Act::Reads
            }
            Some(_) => Act::Reads,
        }
    }

    fn modes(&self) -> String {
        format!(r#"{{"currentModeId":"{}"}}"#, self.mode.name)
    }

    /// Asks something in the name of a session of its own.
    fn ask(&mut self, session: &'static str, deeds: &mut Deeds) -> String {
        deeds.asked += 1;
        let number = deeds.asked;
        self.open.insert(number, session);
        let question = self.question(number);
        deeds.speakers.insert(question.clone(), session);
        let params = format!(r#"{{"sessionId":"{session}","toolCall":{{"toolCallId":"{question}"}},"options":[]}}"#);
        format!(r#"{{"jsonrpc":"2.0","id":{number},"method":"session/request_permission","params":{params}}}"#)
    }

    /// Takes the mode that is wanted, or does not: every other process does not know the last.
    fn change_mode(&mut self) -> Act {
        let Some((call, mode)) = self.wanted.pop_front() else { return Act::Nothing };
        if self.start.is_multiple_of(2) && mode == MODES[3] {
            let error = r#"{"code":1,"message":"unknown mode"}"#;
            return Act::Writes(format!(r#"{{"jsonrpc":"2.0","id":{call},"error":{error}}}"#));
        }
        self.mode.name = mode;
        self.mode.taken += 1;
        Act::Writes(answer(&call, "{}"))
    }

    /// Goes into another mode by itself, and says so.
    fn change_mode_itself(&mut self, deeds: &mut Deeds, dice: &mut Dice) -> String {
        MODES[dice.below(3)].clone_into(&mut self.mode.name);
        let text = deeds.next_text(&self.lane);
        self.mode.said = Some(text.clone());
        let mode = &self.mode.name;
        let update = format!(r#"{{"sessionUpdate":"current_mode_update","currentModeId":"{mode}","_text":"{text}"}}"#);
        said(deeds, text, update)
    }

    /// A message goes into the running turn, or does not.
    fn take_in(&mut self, deeds: &mut Deeds, dice: &mut Dice) -> String {
        let (call, text) = self.offers.remove(0);
        let injected = self.prompt.is_some() && dice.percent(70);
        if injected {
            *deeds.taken.entry(text).or_default() += 1;
        }
        answer(&call, if injected { r#"{"outcome":"injected"}"# } else { r#"{"outcome":"idle"}"# })
    }

    /// Some of a message; now and then with what no version of ours knows, which is passed on as it stands.
    fn say(&self, deeds: &mut Deeds, dice: &mut Dice) -> String {
        let text = deeds.next_text(&self.lane);
        let odd = if dice.percent(30) { r#","_odd":{"z":[1e2,30.0,"\u00e9"],"a" : null}"# } else { "" };
        let update =
            format!(r#"{{"sessionUpdate":"agent_message_chunk","content":{{"type":"text","text":"{text}"}}{odd}}}"#);
        said(deeds, text, update)
    }
}

fn said(deeds: &mut Deeds, text: String, update: String) -> String {
    said_by(deeds, SESSION, text, update)
}

/// Something is said in one of the process's sessions.
fn said_by(deeds: &mut Deeds, session: &'static str, text: String, update: String) -> String {
    let params = format!(r#"{{"sessionId":"{session}","update":{update}}}"#);
    deeds.speakers.insert(text.clone(), session);
    deeds.said.insert(text, update);
    format!(r#"{{"jsonrpc":"2.0","method":"session/update","params":{params}}}"#)
}

/// The child that params of a request or a notification are about.
pub(super) fn child_in(params: Raw<'_>) -> Option<String> {
    let named = params.member("sessionId").and_then(Raw::as_string)?;
    (*named != *SESSION).then(|| named.into_owned())
}

fn answer(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

/// One message, of which the host has made sure that it is one.
pub(super) fn parse(frame: &Bytes) -> Raw<'_> {
    Raw::parse(std::str::from_utf8(frame).expect("UTF-8")).expect("JSON")
}

fn id_of(frame: Raw<'_>) -> String {
    frame.member("id").map_or_else(String::new, |id| id.as_str().to_owned())
}

/// The text of the one block of a prompt.
pub(super) fn text_of(params: Raw<'_>) -> String {
    let text = params.member("prompt").and_then(|prompt| prompt.elements().next()?.member("text")?.as_string());
    text.expect("a prompt").into_owned()
}

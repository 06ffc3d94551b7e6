//! Logs in which everything happens that changes a session's state, made by a seed.

use std::sync::Arc;

use acp_types::RawBuf;
use acp_types::record::body::{
    AgentExited, AgentStarted, LaneJoined, Outcome, PromptQueued, Resolved, SessionCreated, SessionUpdated, Start,
    TurnStarted,
};
use acp_types::record::{Kind, Origin, Record, Seq, Turn};
use serde::Serialize;
use serde_json::json;

use crate::session::State;

/// A small generator: the same seed makes the same story.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

/// A log that grows.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) records: Vec<Arc<Record>>,
    /// The state behind each record, folded from the first on.
    states: Vec<Arc<State>>,
}

impl Story {
    pub(super) fn new() -> Self {
        let mut story = Self { records: Vec::new(), states: Vec::new() };
        let created = SessionCreated { cwd: "/".into(), ..SessionCreated::default() };
        story.add("main", Kind::SessionCreated, None, &created);
        story.start_agent("main");
        story
    }

    pub(super) fn head(&self) -> Seq {
        self.records.len() as Seq
    }

    /// The state behind a record; that of nothing for `0`.
    pub(super) fn state(&self, seq: Seq) -> Arc<State> {
        match usize::try_from(seq).unwrap().checked_sub(1) {
            Some(at) => Arc::clone(&self.states[at]),
            None => Arc::default(),
        }
    }

    /// Records behind a cursor, so many at most.
    pub(super) fn after(&self, cursor: Seq, some: usize) -> Vec<Arc<Record>> {
        self.records.iter().skip(usize::try_from(cursor).unwrap()).take(some).cloned().collect()
    }

    pub(super) fn control_after(&self, cursor: Seq) -> Vec<Arc<Record>> {
        self.records.iter().filter(|record| record.seq > cursor && record.kind.is_control()).cloned().collect()
    }

    pub(super) fn record(&self, lane: &str, kind: Kind, turn: Option<Turn>, body: &impl Serialize) -> Record {
        let (seq, origin) = (self.head() + 1, Origin::Client("c".into()));
        let body = RawBuf::encode(body).unwrap();
        Record { seq, at: seq, epoch: 1, lane: lane.into(), origin, kind, turn, position: None, body }
    }

    /// Adds a record, which must fit.
    pub(super) fn add(&mut self, lane: &str, kind: Kind, turn: Option<Turn>, body: &impl Serialize) -> Seq {
        let record = Arc::new(self.record(lane, kind, turn, body));
        let mut state = self.state(self.head());
        if record.kind.is_control() {
            Arc::make_mut(&mut state).apply(&record).unwrap();
        }
        self.records.push(record);
        self.states.push(state);
        self.head()
    }

    fn start_agent(&mut self, lane: &str) {
        let raw = |text: &str| RawBuf::parse(text).unwrap();
        let (initialize, state) = (raw("{}"), raw(r#"{"modes":{"currentModeId":"ask"}}"#));
        let started =
            AgentStarted { agent_session: Some("a".into()), start: Start::New, initialize, state, link: None };
        self.add(lane, Kind::AgentStarted, None, &started);
    }

    pub(super) fn say(&mut self, text: &str) -> Seq {
        self.add("main", Kind::Update, None, &json!({ "update": { "content": text } }))
    }

    pub(super) fn prompt(&mut self, key: &str) -> Turn {
        let prompt = PromptQueued { key: Some(key.into()), params: RawBuf::parse("{}").unwrap(), ..Default::default() };
        self.add("main", Kind::PromptQueued, None, &prompt)
    }

    /// One thing more happens.
    pub(super) fn go_on(&mut self, dice: &mut Dice) {
        let state = self.state(self.head());
        let lane = if state.lane("two").is_some() && dice.below(3) == 0 { "two" } else { "main" };
        let there = state.lane(lane).unwrap();
        let pending: Vec<Seq> = state.pending().map(|(seq, _)| seq).collect();
        let queued: Vec<Turn> = there.queue().collect();
        match dice.below(14) {
            0 if queued.len() < 4 => {
                let params = RawBuf::encode(&json!({ "text": "p".repeat(usize::try_from(dice.below(60)).unwrap()) }));
                let key = Some(format!("k{}", self.head()));
                self.add(
                    lane,
                    Kind::PromptQueued,
                    None,
                    &PromptQueued { key, params: params.unwrap(), ..Default::default() },
                );
            }
            1 | 2 if there.running().is_none() && !queued.is_empty() => {
                self.add(lane, Kind::TurnStarted, queued.first().copied(), &TurnStarted {});
            }
            3 if there.running().is_some() => {
                let outcome = Outcome::Interrupted { reason: "enough".into() };
                self.add(lane, Kind::TurnEnded, there.running(), &outcome);
            }
            4 if pending.len() < 4 => {
                let body = json!({ "sessionId": "s", "toolCall": { "toolCallId": "t" }, "options": [] });
                self.add(lane, Kind::PermissionRequested, there.running(), &body);
            }
            5 if !pending.is_empty() => {
                let request = pending[usize::try_from(dice.below(pending.len() as u64)).unwrap()];
                let lane = state.pending_request(request).unwrap().lane.to_string();
                let resolved = Resolved { request, result: Some(RawBuf::parse("{}").unwrap()), ..Resolved::default() };
                self.add(&lane, Kind::PermissionResolved, None, &resolved);
            }
            6 => {
                let mode = ["ask", "auto"][usize::try_from(dice.below(2)).unwrap()].to_owned();
                let updated = SessionUpdated { mode: Some(mode), ..SessionUpdated::default() };
                self.add(lane, Kind::SessionUpdated, None, &updated);
            }
            7 if state.lane("two").is_none() => {
                self.add(
                    "two",
                    Kind::LaneJoined,
                    None,
                    &LaneJoined { agent: "helper".into(), by: None, dialled: false },
                );
                self.start_agent("two");
            }
            8 if lane == "two" && there.running().is_none() && queued.is_empty() && pending.is_empty() => {
                self.add("two", Kind::AgentExited, None, &AgentExited { reason: "done".into(), expected: true });
                self.add("two", Kind::LaneLeft, None, &json!({ "reason": "removed" }));
            }
            _ => {
                let text = "x".repeat(usize::try_from(dice.below(40)).unwrap());
                self.say(&text);
            }
        }
    }
}

//! One lane as its host runs it: an agent, its turns, its requests, and nothing of other lanes.

use std::sync::Arc;

use acp_types::RawBuf;
use acp_types::record::{Kind, Origin, Record, Seq, Turn};
use serde::Serialize;

use super::super::{FromAgent, LaneState, State};
use super::admission::Faults;
use super::announce::Announcement;
use super::calls::Calls;
use super::joining::Joining;
use super::recorder::Step;
use super::requests::OpenRequests;
use super::restore::Restore;

/// What the machine knows of a lane beyond what the log says of it.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) name: Arc<str>,
    pub(super) agent: Agent,
    /// Its first agent is on its way, and the log knows nothing of the lane yet.
    pub(super) joining: Option<Joining>,
    /// Turns that were queued before a restart of the bridge wait until a client shows up.
    pub(super) paused: bool,
    /// When the running turn, which was cancelled, is to be over.
    pub(super) cancel_deadline: Option<u64>,
    /// When the agent is to have said whether it took a message into a turn that has ended since.
    pub(super) offer_deadline: Option<u64>,
    /// Its agent, which was started again, is being given what clients chose.
    pub(super) restore: Option<Box<Restore>>,
    /// Agents in a row that died while they were given that.
    pub(super) deaths: u32,
    /// What one client has set and the others do not know yet.
    pub(super) announcement: Option<Announcement>,
    pub(super) calls: Calls,
    pub(super) requests: OpenRequests,
    pub(super) faults: Faults,
}

/// An agent as far as the machine knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agent {
    /// None, and none is being started.
    Absent,
    /// [`super::super::Effect::StartAgent`] is under way.
    Starting {
        /// It may come back without its memory.
        accepts_loss: bool,
    },
    /// It serves the lane.
    Alive,
    /// It serves the lane as far as the log knows, but a restart of the bridge has cut it off: it is waited for.
    Awaited,
}

impl Lane {
    /// A lane whose agent is not there.
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            agent: Agent::Absent,
            joining: None,
            paused: false,
            cancel_deadline: None,
            offer_deadline: None,
            restore: None,
            deaths: 0,
            announcement: None,
            calls: Calls::default(),
            requests: OpenRequests::default(),
            faults: Faults::default(),
        }
    }

    /// `main` of a new session.
    pub(super) fn main() -> Self {
        Self::new(Record::MAIN_LANE.into())
    }

    /// Takes in what the lane's agent did.
    pub(super) fn hear(&mut self, step: &mut Step<'_>, event: FromAgent) {
        match event {
            FromAgent::Started(started) => self.started(step, &started),
            FromAgent::StartFailed { error } => self.start_failed(step, &error),
            FromAgent::Returned { has_prompt, asked } => self.returned(step, has_prompt, asked),
            FromAgent::Exited { reason } if self.agent == Agent::Awaited => self.not_back(step, &reason),
            // The rest of what a stopped agent says.
            _ if self.agent != Agent::Alive => {}
            FromAgent::Update(payload) => self.update(step, payload.raw()),
            FromAgent::Request { id, method, params } => self.request(step, id, method, params),
            FromAgent::Withdrew(id) => self.withdrew(step, &id),
            FromAgent::Notification { method, params } => self.notification(step, method, params),
            FromAgent::Unreadable { reason } => self.lost_message(step, &reason),
            FromAgent::Answered { call, outcome } => self.answered(step, call, outcome),
            FromAgent::Exited { reason } => self.exited(step, &reason),
        }
    }

    /// What the log says of this lane.
    pub(super) fn logged<'s>(&self, state: &'s State) -> Option<&'s LaneState> {
        state.lane(&self.name)
    }

    /// The turn that its agent works on.
    pub(super) fn running(&self, step: &Step<'_>) -> Option<Turn> {
        self.logged(step.state())?.running()
    }

    /// The turn that is next.
    pub(super) fn next(&self, step: &Step<'_>) -> Option<Turn> {
        self.logged(step.state())?.queue().next()
    }

    /// The turns that wait.
    pub(super) fn queued(&self, step: &Step<'_>) -> Vec<Turn> {
        self.logged(step.state()).map(|lane| lane.queue().collect()).unwrap_or_default()
    }

    /// The agent's own id of the session. Empty, which names none, if it never had one.
    pub(super) fn agent_session<'s>(&self, step: &'s Step<'_>) -> &'s str {
        let agent = self.logged(step.state()).and_then(LaneState::agent);
        agent.and_then(|agent| agent.agent_session.as_deref()).unwrap_or_default()
    }

    /// Adds a record of this lane.
    pub(super) fn record<T: Serialize>(
        &self,
        step: &mut Step<'_>,
        kind: Kind,
        origin: Origin,
        turn: Option<Turn>,
        body: &T,
    ) -> Seq {
        step.record(&self.name, kind, origin, turn, body)
    }

    /// The same for a body that is JSON already.
    pub(super) fn record_raw(
        &self,
        step: &mut Step<'_>,
        kind: Kind,
        origin: Origin,
        turn: Option<Turn>,
        body: RawBuf,
    ) -> Seq {
        step.record_raw(&self.name, kind, origin, turn, body)
    }
}

//! Lane as its host runs it: an agent, its turns, its requests, and nothing of other lanes.

mod agent_life;
mod cancel;
mod input;
mod restart;
mod turns;

use std::sync::Arc;

use acp_types::RawBuf;
use acp_types::record::{Record, Seq};

use super::super::wire::{self, clean_outcome};
use super::super::{AgentSource, CommandId, LaneState, Reply, State};
use super::admission::Admission;
use super::agent::AgentSlot;
use super::announce::Announcement;
use super::calls::{Calls, ClientRequest};
use super::queue::TurnQueue;
use super::requests::{By, PendingRequests};
use super::steering::Steering;
use super::transition::Transition;

/// Lane of a session, beyond what the log says of it: parts that each own what they know.
///
/// What goes from one part to another is here, and no part knows another one's state. Every call is given a transition of
/// this lane.
#[derive(Debug)]
pub(super) struct Lane {
    name: Arc<str>,
    agent: AgentSlot,
    queue: TurnQueue,
    steering: Steering,
    calls: Calls,
    requests: PendingRequests,
    announcement: Announcement,
    admission: Admission,
}

/// Questions about its state.
impl Lane {
    /// A lane whose agent is not there.
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            agent: AgentSlot::default(),
            queue: TurnQueue::default(),
            steering: Steering::default(),
            calls: Calls::default(),
            requests: PendingRequests::default(),
            announcement: Announcement::default(),
            admission: Admission::default(),
        }
    }

    /// `main` of a new session.
    pub(super) fn main() -> Self {
        Self::new(Record::MAIN_LANE.into())
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Returns whether it has an agent, or one that is on its way.
    pub(super) fn has_agent(&self) -> bool {
        !self.agent.is_absent()
    }

    /// Returns whether its first agent is on its way, and the log perhaps knows nothing of the lane yet.
    pub(super) fn is_joining(&self) -> bool {
        self.agent.is_joining()
    }

    /// Source of its agent, whether or not the log knows the lane yet.
    pub(super) fn source<'s>(&'s self, state: &'s State) -> Option<&'s AgentSource> {
        self.agent.joining().or_else(|| state.lane(&self.name).map(LaneState::source))
    }

    /// Returns whether nothing goes on in it and nobody waits for anything.
    pub(super) fn is_idle(&self, state: &State) -> bool {
        let works = |lane: &LaneState| lane.running().is_some() || lane.queue().len() + lane.steered().len() > 0;
        self.agent.is_settled() && self.calls.is_empty() && !state.lane(&self.name).is_some_and(works)
    }

    /// Time at which time itself brings something about.
    pub(super) fn deadline(&self) -> Option<u64> {
        let of_parts =
            [self.queue.deadline(), self.steering.deadline(), self.agent.deadline(), self.announcement.deadline()];
        of_parts.into_iter().flatten().min()
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, cx: &mut Transition<'_>) {
        self.tick_cancel(cx);
        self.tick_steering(cx);
        self.tick_restore(cx);
        if self.announcement.deadline().is_some_and(|deadline| cx.at() >= deadline) {
            self.announce(cx);
        }
    }
}

/// Messages of clients to its agent, but for prompts.
impl Lane {
    /// A request that is the agent's to answer.
    pub(super) fn call(
        &mut self,
        cx: &mut Transition<'_>,
        command: CommandId,
        client: Arc<str>,
        method: String,
        params: Option<RawBuf>,
    ) {
        match ClientRequest::new(cx, command, client, method, params) {
            Err(why) => cx.refuse(command, why),
            Ok(request) if self.agent.is_serving() => self.calls.pass(cx, request),
            Ok(request) => {
                if self.calls.wait(cx, request) {
                    self.need_agent(cx, false);
                }
            }
        }
    }

    /// A notification; nobody is there to hear it while there is no agent.
    pub(super) fn notify(
        &mut self,
        cx: &mut Transition<'_>,
        command: CommandId,
        method: String,
        params: Option<RawBuf>,
    ) {
        if self.agent.is_alive() {
            let params = params.map(|params| wire::to_agent(params.as_raw(), cx.agent_session()));
            cx.notify_agent(method, params);
        }
        cx.reply(command, Ok(Reply::Done));
    }

    /// A client answers what is pending. The first answer counts.
    pub(super) fn answer(
        &mut self,
        cx: &mut Transition<'_>,
        command: CommandId,
        client: Arc<str>,
        request: Seq,
        answer: Result<RawBuf, RawBuf>,
    ) {
        self.requests.resolve(cx, request, clean_outcome(answer), By::Client(client));
        cx.reply(command, Ok(Reply::Answered(true)));
    }

    /// The policy answers what is pending, if it is to.
    pub(super) fn apply_policy(&mut self, cx: &mut Transition<'_>) {
        self.requests.apply_policy(cx);
    }

    /// A request has waited long enough for a controller.
    pub(super) fn reject(&mut self, cx: &mut Transition<'_>, request: Seq) {
        self.requests.reject(cx, request);
    }
}

//! One lane as its host runs it: an agent, its turns, its requests, and nothing of other lanes.

mod agent_life;
mod restart;
mod turns;

use std::sync::Arc;

use acp_types::method::{Notification as _, v1};
use acp_types::record::body::Extension;
use acp_types::record::{Kind, Origin, Record, Seq};
use acp_types::{Raw, RawBuf, RawKind, RequestId};

use super::super::children::Work;
use super::super::wire::{self, clean_outcome};
use super::super::{AgentSource, CallId, CommandId, FromAgent, LaneState, Reply, State};
use super::admission::Admission;
use super::agent::AgentSlot;
use super::announce::{self, Announcement, Told};
use super::calls::{AnswerMeaning, Call, Calls, ClientCall, ClientRequest};
use super::children::{self, ChildStops};
use super::queue::TurnQueue;
use super::requests::{By, PendingRequests, decline};
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
    child_stops: ChildStops,
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
            child_stops: ChildStops::default(),
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
        let child_works = state.children().of_lane(&self.name).any(|child| child.work() == Work::Active);
        self.agent.is_settled() && self.calls.is_empty() && !child_works && !state.lane(&self.name).is_some_and(works)
    }

    /// Time at which time itself brings something about.
    pub(super) fn deadline(&self) -> Option<u64> {
        let of_parts =
            [self.queue.deadline(), self.steering.deadline(), self.agent.deadline(), self.announcement.deadline()];
        let of_parts = of_parts.into_iter().chain([self.child_stops.deadline()]);
        of_parts.flatten().min()
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, cx: &mut Transition<'_>) {
        self.tick_cancel(cx);
        self.tick_children(cx);
        self.tick_steering(cx);
        self.tick_restore(cx);
        if self.announcement.deadline().is_some_and(|deadline| cx.at() >= deadline) {
            self.announce(cx);
        }
    }
}

/// Messages of its agent.
impl Lane {
    pub(super) fn on_agent_event(&mut self, cx: &mut Transition<'_>, event: FromAgent) {
        match event {
            FromAgent::Started(started) => self.started(cx, &started),
            FromAgent::StartFailed { error } => self.start_failed(cx, &error),
            FromAgent::Returned { has_prompt, asked } => self.returned(cx, has_prompt, asked),
            FromAgent::Exited { reason } if self.agent.is_awaited() => self.not_back(cx, &reason),
            // The rest of what a stopped agent says.
            _ if !self.agent.is_alive() => {}
            FromAgent::Update(payload) => self.update(cx, payload.raw()),
            FromAgent::Request { id, method, params } => self.request(cx, id, method, params),
            FromAgent::Withdrew(id) => self.requests.withdraw(cx, &id),
            FromAgent::Notification { method, params } => self.notification(cx, method, params),
            FromAgent::Unreadable { reason } => lost_message(cx, &reason),
            FromAgent::Answered { call, outcome } => self.answered(cx, call, outcome),
            FromAgent::Exited { reason } => self.gone(cx, &reason, "the agent exited in mid-turn"),
        }
    }

    /// One `session/update`. Params that are no object name no session: nobody can be shown them.
    fn update(&mut self, cx: &mut Transition<'_>, params: Raw<'_>) {
        if params.kind() != RawKind::Object {
            return lost_message(cx, "the params of a session/update are not an object");
        }
        if self.admission.check(cx, v1::SessionUpdate::METHOD.name, Some(params)).is_some() {
            return;
        }
        let turn = cx.running();
        children::take_in(cx, turn, params);
        let renamed = children::with_our_ids(cx, params);
        cx.record_update(Origin::Agent, turn, renamed.as_ref().map_or(params, RawBuf::as_raw));
        let Some(told) = Told::of(params).filter(|_| !cx.is_of_child(params)) else { return };
        if let Some(restore) = self.agent.restoring() {
            restore.told(&told);
        }
        self.announcement.told(&told);
        if let Some(updated) = told.change(cx.state(), &self.name) {
            cx.record(Kind::SessionUpdated, Origin::Agent, turn, &updated);
        }
    }

    /// A notification that is no `session/update`, for every client. Those of JSON-RPC itself concern one connection.
    fn notification(&mut self, cx: &mut Transition<'_>, method: String, params: Option<RawBuf>) {
        if method.starts_with("$/") || self.admission.check(cx, &method, params.as_ref().map(RawBuf::as_raw)).is_some()
        {
            return;
        }
        let turn = cx.running();
        let params = params.map(|params| cx.for_clients_if_of_session(turn, params));
        cx.record(Kind::Extension, Origin::Agent, turn, &Extension { method, params });
    }

    fn request(&mut self, cx: &mut Transition<'_>, id: RequestId, method: String, params: Option<RawBuf>) {
        if self.requests.is_in_use(&id) {
            return;
        }
        match self.admission.check(cx, &method, params.as_ref().map(RawBuf::as_raw)) {
            Some(fault) => decline(cx, id, &fault.declined(method)),
            None => self.requests.ask(cx, id, method, params),
        }
    }

    /// It answers; a second answer, and one to nothing, is dropped.
    fn answered(&mut self, cx: &mut Transition<'_>, call: CallId, outcome: Result<RawBuf, RawBuf>) {
        let outcome = clean_outcome(outcome)
            .map(|result| wire::result_for_clients(result, cx.agent_session(), cx.session().as_str()));
        match self.calls.take(call) {
            Some(Call::Prompt(turn)) => self.prompt_answered(cx, turn, outcome),
            Some(Call::Steer(request)) => self.steering_answered(cx, request, outcome),
            Some(Call::Choice(made)) => self.choice_answered(cx, call, made, &outcome),
            Some(Call::Client(ClientCall { command, client, answer })) => {
                if let (Ok(result), AnswerMeaning::Chosen(made)) = (&outcome, answer) {
                    let updated = announce::chosen(cx.logged(), made, result.as_raw());
                    self.record_chosen(cx, Origin::Client(client), updated);
                }
                cx.reply(command, Ok(Reply::Agent(outcome)));
            }
            None => {}
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

/// Something that the agent said is lost, and every client is told: what they show has a hole.
fn lost_message(cx: &mut Transition<'_>, reason: &str) {
    let turn = cx.running();
    let notice = serde_json::json!({
        "sessionId": cx.session(),
        "update": {
            "sessionUpdate": "notice",
            "severity": "warning",
            "title": "A message of the agent is lost",
            "description": reason,
        },
    });
    // Strings can always be written.
    if let Ok(params) = RawBuf::encode(&notice) {
        cx.record_update(Origin::Host, turn, params.as_raw());
    }
}

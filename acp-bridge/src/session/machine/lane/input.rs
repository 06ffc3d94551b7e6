//! Inputs of the machine: each goes to the part of the lane that it is for.

use std::sync::Arc;

use acp_types::method::{Notification as _, v1};
use acp_types::record::body::Extension;
use acp_types::record::{Kind, Origin, Record};
use acp_types::{Raw, RawBuf, RawKind, RequestId};

use super::super::super::lanes::Lanes;
use super::super::super::wire::{self, clean_outcome};
use super::super::super::{
    AgentSource, CallId, Command, CommandId, Effect, FromAgent, Input, Output, Refusal, Reply, State,
};
use super::super::Machine;
use super::super::announce::{self, Told};
use super::super::calls::{AnswerMeaning, Call, ClientCall};
use super::super::queue::Stop;
use super::super::requests::decline;
use super::super::transition::Transition;
use super::Lane;
use super::turns::Prompt;

/// The one way into the machine.
impl Machine {
    /// Takes one thing in that happened at `now` (microseconds since the Unix epoch) and adds what comes of it to
    /// `out`. May be called many times before the driver acts on `out`.
    pub fn handle(&mut self, now: u64, input: Input, out: &mut Output) {
        let position = if let Input::Agent { position, .. } = input { position } else { None };
        let passes = matches!(input, Input::Tick);
        let rests = matches!(input, Input::Rest) && self.is_idle();
        let (mut cx, lanes) = self.parts(now, position, out);
        match input {
            Input::Command { id, client, command } => lanes.command(&mut cx, id, client, command),
            Input::Agent { lane, event, position: _ } => {
                let may_not_come = matches!(event, FromAgent::StartFailed { .. });
                if let Some(lane) = lanes.get_mut(&lane) {
                    lane.on_agent_event(&mut cx.of(lane.name()), event);
                }
                if may_not_come {
                    lanes.forget_unjoined(cx.state());
                }
            }
            Input::Tick => {
                for lane in lanes.iter_mut() {
                    lane.tick(&mut cx.of(lane.name()));
                }
                lanes.tick_policy(&mut cx);
            }
            Input::Rest if rests => {
                for lane in lanes.iter_mut() {
                    lane.rest(&mut cx.of(lane.name()));
                }
            }
            Input::Rest => {}
        }
        self.idle_since = self.is_idle().then(|| self.idle_since.filter(|_| passes).unwrap_or(now));
    }
}

/// Commands of clients.
impl Lanes<Lane> {
    /// Takes a command in.
    fn command(&mut self, cx: &mut Transition<'_>, id: CommandId, client: Arc<str>, command: Command) {
        match command {
            Command::Attach { params } => self.attach(cx, id, &params),
            Command::Prompt { lane, params, key, accept_context_loss, on_busy, after_restart } => {
                if let Some((lane, cx)) = &mut self.named(cx, id, lane.as_deref()) {
                    lane.prompt(cx, id, &client, Prompt { params, key, accept_context_loss, on_busy, after_restart });
                }
            }
            Command::Queue(command) => {
                let reply = self.queue(cx, &client, command);
                cx.reply(id, reply);
            }
            Command::SetPresence { present } => {
                self.set_presence(cx, client, present);
                cx.reply(id, Ok(Reply::Done));
            }
            Command::SetPolicy { unattended } => {
                self.set_policy(cx, client, unattended.as_ref());
                cx.reply(id, Ok(Reply::Done));
            }
            Command::Cancel { lane, turn, scope, reason } => {
                self.cancel(cx, id, &client, lane, turn, &Stop { scope, reason });
            }
            Command::Trust => {
                self.trust(cx, client);
                cx.reply(id, Ok(Reply::Done));
            }
            Command::Answer { request, answer } => {
                let lane = cx.state().pending_request(request).map(|pending| Arc::clone(&pending.lane));
                match lane.and_then(|lane| self.get_mut(&lane)) {
                    Some(lane) => lane.answer(&mut cx.of(lane.name()), id, client, request, answer),
                    None => cx.reply(id, Ok(Reply::Answered(false))),
                }
            }
            Command::Call { lane, method, params } => {
                if let Some((lane, cx)) = &mut self.named(cx, id, lane.as_deref()) {
                    lane.call(cx, id, client, method, params);
                }
            }
            Command::Notify { lane, method, params } => {
                if let Some((lane, cx)) = &mut self.named(cx, id, lane.as_deref()) {
                    lane.notify(cx, id, method, params);
                }
            }
            Command::LaneAdd { lane, agent } => self.add(cx, id, client, lane, AgentSource::Profile(agent)),
            Command::Dial { lane, agent } => self.dial(cx, id, client, lane, agent),
            Command::LaneRemove { lane } => self.remove(cx, id, &client, &lane),
            Command::Close => {
                self.close(cx, &client);
                cx.reply(id, Ok(Reply::Done));
            }
            Command::Delete => {
                self.close(cx, &client);
                cx.effect(Effect::Delete { command: id });
            }
            Command::DeleteIdle { head } => {
                if cx.state().head() == head && cx.presence().is_unattended() {
                    self.close(cx, &client);
                    cx.effect(Effect::Delete { command: id });
                } else {
                    cx.refuse(id, Refusal::InUse);
                }
            }
            Command::Describe { .. } | Command::Create { .. } => cx.refuse(id, Refusal::NeedsNoSession),
        }
    }

    /// The lane that a client named, `main` if it named none, with a transition of it. If there is no such lane the command
    /// is refused.
    pub(in super::super) fn named<'l, 'c>(
        &'l mut self,
        cx: &'c mut Transition<'_>,
        id: CommandId,
        lane: Option<&str>,
    ) -> Option<(&'l mut Lane, Transition<'c>)> {
        let lane = lane.unwrap_or(Record::MAIN_LANE);
        match self.get_mut(lane).filter(|_| cx.state().lane(lane).is_some()) {
            Some(found) => {
                let cx = cx.of(found.name());
                Some((found, cx))
            }
            None => {
                cx.refuse(id, unknown_lane(cx.state(), lane));
                None
            }
        }
    }
}

/// Messages of its agent.
impl Lane {
    /// Takes in one thing that its agent did.
    pub(in super::super) fn on_agent_event(&mut self, cx: &mut Transition<'_>, event: FromAgent) {
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

    /// Takes in a `session/update`. Params that are no object name no session: nobody can be shown them.
    fn update(&mut self, cx: &mut Transition<'_>, params: Raw<'_>) {
        if params.kind() != RawKind::Object {
            return lost_message(cx, "the params of a session/update are not an object");
        }
        if self.admission.check(cx, v1::SessionUpdate::METHOD.name, Some(params)).is_some() {
            return;
        }
        let turn = cx.running();
        cx.record_update(Origin::Agent, turn, params);
        let Some(told) = Told::of(params) else { return };
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

    /// Takes the agent's answer to its call; a second answer, and one to nothing, is dropped.
    fn answered(&mut self, cx: &mut Transition<'_>, call: CallId, outcome: Result<RawBuf, RawBuf>) {
        let outcome = clean_outcome(outcome)
            .map(|result| wire::result_for_clients(result, cx.agent_session(), cx.session().as_str()));
        match self.calls.take(call) {
            Some(Call::Prompt(turn)) => self.prompt_answered(cx, turn, outcome),
            Some(Call::Steer(request)) => self.steering_answered(cx, request, outcome),
            Some(Call::Choice(made)) => self.choice_answered(cx, call, made, &outcome),
            Some(Call::Client(ClientCall { command, client, answer })) => {
                match (&outcome, answer) {
                    (Ok(result), AnswerMeaning::Chosen(made)) => {
                        let updated = announce::chosen(cx.logged(), made, result.as_raw());
                        self.record_chosen(cx, Origin::Client(client), updated);
                    }
                    (Ok(result), AnswerMeaning::Titled) => self.record_title(cx, client, result.as_raw()),
                    _ => {}
                }
                cx.reply(command, Ok(Reply::Agent(outcome)));
            }
            None => {}
        }
    }
}

/// Refusal that says which lane is not there, and which are.
fn unknown_lane(state: &State, lane: &str) -> Refusal {
    let lanes = state.lanes().map(|lane| lane.name().to_string()).collect();
    Refusal::UnknownLane { lane: lane.to_owned(), lanes }
}

/// Tells every client that something the agent said is lost: what they show has a hole.
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

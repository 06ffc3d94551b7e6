//! A lane's turns: from prompts to their ends, by way of the agent.

use std::sync::Arc;

use acp_types::meta::CancelScope;
use acp_types::method::v1;
use acp_types::record::body::Outcome;
use acp_types::record::{Origin, Turn};
use acp_types::{Raw, RawBuf, SessionId};

use super::super::super::{CommandId, QueueCommand, Refusal, Reply, TurnPhase, wire};
use super::super::calls::Call;
use super::super::children::ChildStops;
use super::super::queue::{self, Accepted, Prompt, Stop, Then, TurnQueue};
use super::super::requests::Cause;
use super::super::steering::{self, SteerRequest};
use super::super::transition::Transition;
use super::Lane;

/// They come and run.
impl Lane {
    /// Accepts a prompt, or finds the turn that its key has started before (P6).
    pub(in super::super) fn prompt(
        &mut self,
        cx: &mut Transition<'_>,
        command: CommandId,
        client: &Arc<str>,
        prompt: Prompt,
    ) {
        let known = prompt.key.as_ref().and_then(|key| cx.state().turn_by_key(key));
        let accepted = known.map_or_else(|| self.accept(cx, client, prompt), Ok);
        cx.reply(command, accepted.map(Reply::Turn));
        self.resume(cx);
    }

    fn accept(&mut self, cx: &mut Transition<'_>, client: &Arc<str>, prompt: Prompt) -> Result<Turn, Refusal> {
        let Accepted { turn, then } = TurnQueue::accept(cx, client, prompt)?;
        match then {
            Then::Interrupt(running) => self.cancel_running(cx, client, running, None),
            // To an agent that is awaited nothing can be offered: the message is the next turn then.
            Then::Steer(running) if self.agent.is_alive() => self.offer(cx, turn, running),
            Then::Steer(_) | Then::Wait => {}
        }
        Ok(turn)
    }

    /// A client is there: what waits for one goes on.
    pub(in super::super) fn resume(&mut self, cx: &mut Transition<'_>) {
        self.queue.resume();
        self.advance(cx);
    }

    /// Starts the next turn if it can be, or the agent that it needs.
    pub(super) fn advance(&mut self, cx: &mut Transition<'_>) {
        let Some(next) = self.queue.ready(cx) else { return };
        if self.agent.is_serving() {
            self.announce(cx);
            let params = TurnQueue::start(cx, next);
            self.send_prompt(cx, next, params.as_raw());
        } else {
            let accepts_loss = cx.state().turn(next).is_some_and(|info| info.accept_context_loss);
            self.need_agent(cx, accepts_loss);
        }
    }

    fn send_prompt(&mut self, cx: &mut Transition<'_>, turn: Turn, params: Raw<'_>) {
        let params = wire::to_agent(params, cx.agent_session());
        self.calls.send(cx, Call::Prompt(turn), v1::Prompt::NAME.to_owned(), Some(params));
    }

    /// Gives the agent the prompt of a turn that has been started, which it has not got.
    pub(super) fn resend_prompt(&mut self, cx: &mut Transition<'_>, turn: Turn) {
        let params = queue::params_of(cx, turn);
        self.send_prompt(cx, turn, params.as_raw());
    }

    /// The agent ends the running turn.
    pub(super) fn prompt_answered(&mut self, cx: &mut Transition<'_>, turn: Turn, answer: Result<RawBuf, RawBuf>) {
        if cx.running() != Some(turn) {
            return;
        }
        self.requests.resolve_ended(cx, turn);
        let outcome = queue::outcome_of(answer, cx.cancel_requested(turn));
        self.end_turn(cx, turn, Origin::Agent, &outcome);
        self.advance(cx);
    }

    pub(super) fn end_turn(&mut self, cx: &mut Transition<'_>, turn: Turn, origin: Origin, outcome: &Outcome) {
        self.queue.end(cx, turn, &origin, outcome);
        self.steering.watch(cx);
    }

    /// Changes one prompt that waits in this lane.
    pub(in super::super) fn change_queued(
        &mut self,
        cx: &mut Transition<'_>,
        client: &Arc<str>,
        change: QueueCommand,
    ) -> Result<(), Refusal> {
        match change {
            QueueCommand::List => Ok(()),
            QueueCommand::Edit { turn, prompt } => TurnQueue::edit(cx, client, turn, prompt),
            QueueCommand::Move { turn, before } => TurnQueue::move_before(cx, client, turn, before),
            QueueCommand::Withdraw { turn } => {
                self.cancel_queued(cx, client, turn, None);
                self.resume(cx);
                Ok(())
            }
        }
    }
}

/// They are cancelled (P5).
impl Lane {
    /// Stops what `scope` says. Nothing to cancel, nothing done.
    pub(in super::super) fn stop(
        &mut self,
        cx: &mut Transition<'_>,
        client: &Arc<str>,
        turn: Option<Turn>,
        stop: &Stop,
    ) {
        let reason = stop.reason.as_deref();
        match stop.scope {
            CancelScope::Queued => self.cancel_waiting(cx, client, reason),
            CancelScope::All => {
                if let Some(running) = cx.running() {
                    self.cancel_turn(cx, client, running, reason);
                }
                self.cancel_waiting(cx, client, reason);
            }
            _ => {
                let first_on_offer = || cx.steered().first().copied();
                let target = turn.or_else(|| cx.running()).or_else(first_on_offer).or_else(|| queue::first(cx));
                if let Some(turn) = target {
                    self.cancel_turn(cx, client, turn, reason);
                }
            }
        }
    }

    /// Cancels a turn of this lane. One whose message is part of the running turn cannot be told apart from that any
    /// more, so that both are stopped.
    fn cancel_turn(&mut self, cx: &mut Transition<'_>, client: &Arc<str>, turn: Turn, reason: Option<&str>) {
        let Some(info) = cx.state().turn(turn).filter(|info| info.lane == self.name) else { return };
        match info.phase {
            TurnPhase::Running if !info.cancel_requested => self.cancel_running(cx, client, turn, reason),
            TurnPhase::Joined(into) if !cx.cancel_requested(into) => self.cancel_running(cx, client, into, reason),
            TurnPhase::Queued | TurnPhase::Offered(_) => {
                self.cancel_queued(cx, client, turn, reason);
                self.resume(cx);
            }
            TurnPhase::Running | TurnPhase::Joined(_) | TurnPhase::Ended(_) => {}
        }
    }

    /// Cancels everything that the agent has not been given.
    fn cancel_waiting(&mut self, cx: &mut Transition<'_>, client: &Arc<str>, reason: Option<&str>) {
        let on_offer = steering::offers(cx).into_iter().map(|(turn, _)| turn);
        for turn in cx.queued().into_iter().chain(on_offer) {
            self.cancel_queued(cx, client, turn, reason);
        }
    }

    fn cancel_running(&mut self, cx: &mut Transition<'_>, client: &Arc<str>, turn: Turn, reason: Option<&str>) {
        self.ask_to_stop(cx, client, turn, reason);
        self.queue.begin_grace(cx);
    }

    /// Records the wish, tells the agent, and answers what the turn has asked: in this order, so that an agent whose
    /// question is answered with `cancelled` knows already that the whole turn is.
    pub(super) fn ask_to_stop(&mut self, cx: &mut Transition<'_>, client: &Arc<str>, turn: Turn, reason: Option<&str>) {
        TurnQueue::record_cancel(cx, client, turn, reason);
        self.tell_to_stop(cx);
        self.requests.resolve_turn(cx, turn, Cause::CANCELLED);
    }

    /// Stops the work of a child session, if its agent lets clients do that. What works no more is left alone.
    pub(in super::super) fn stop_child(
        &mut self,
        cx: &mut Transition<'_>,
        client: &Arc<str>,
        child: &SessionId,
        reason: Option<&str>,
    ) -> Result<(), Refusal> {
        if ChildStops::ask(cx, client, child, reason)? {
            if self.agent.is_alive() {
                self.child_stops.tell(cx, v1::Cancel::NAME, child);
            }
            self.requests.resolve_child(cx, child, Cause::CANCELLED);
        }
        Ok(())
    }

    /// An agent that was awaited is told which of its children are to stop.
    pub(super) fn tell_children_to_stop(&mut self, cx: &mut Transition<'_>) {
        for child in ChildStops::wanted(cx) {
            self.child_stops.tell(cx, v1::Cancel::NAME, &child);
        }
    }

    /// Tells an agent that is there; one that is awaited is told when it comes.
    pub(super) fn tell_to_stop(&self, cx: &mut Transition<'_>) {
        if self.agent.is_alive() {
            let params = wire::session_only(cx.agent_session());
            cx.notify_agent(v1::Cancel::NAME.to_owned(), Some(params));
        }
    }

    /// A turn that the agent has not seen, or not taken, and never will.
    pub(super) fn cancel_queued(
        &mut self,
        cx: &mut Transition<'_>,
        client: &Arc<str>,
        turn: Turn,
        reason: Option<&str>,
    ) {
        TurnQueue::record_cancel(cx, client, turn, reason);
        self.end_turn(cx, turn, Origin::Host, &Outcome::Cancelled { result: None, killed: false });
    }
}

/// Their messages become part of the running one.
impl Lane {
    /// Gives a queued turn's message to the agent as a part of the running turn.
    fn offer(&mut self, cx: &mut Transition<'_>, turn: Turn, into: Turn) {
        if let Some((request, params)) = SteerRequest::offer(cx, turn, into) {
            self.calls.send(cx, Call::Steer(request), SteerRequest::METHOD.to_owned(), Some(params));
        }
    }

    /// The agent says what it did with a message.
    pub(super) fn steering_answered(
        &mut self,
        cx: &mut Transition<'_>,
        request: SteerRequest,
        answer: Result<RawBuf, RawBuf>,
    ) {
        if let Some((turn, outcome)) = request.answered(cx, answer) {
            self.end_turn(cx, turn, Origin::Agent, &outcome);
        }
        self.steering.watch(cx);
        self.advance(cx);
    }

    /// Ends a turn whose message was on offer, and of which it will never be known what has become.
    pub(super) fn steering_lost(&mut self, cx: &mut Transition<'_>, turn: Turn, reason: &str) {
        if let Some(outcome) = steering::lost(cx, turn, reason) {
            self.end_turn(cx, turn, Origin::Host, &outcome);
        }
    }

    /// The time for an answer may be over.
    pub(super) fn tick_steering(&mut self, cx: &mut Transition<'_>) {
        let Some(lost) = self.steering.expire(cx) else { return };
        for turn in lost {
            self.steering_lost(cx, turn, "the turn has ended and there is no answer");
        }
        self.advance(cx);
    }
}

//! Cancels of a lane's turns (P5), and messages that become part of the running one.

use std::sync::Arc;

use acp_types::RawBuf;
use acp_types::meta::CancelScope;
use acp_types::method::v1;
use acp_types::record::body::{CancelRequested, Outcome};
use acp_types::record::{Kind, Origin, Turn};

use super::super::super::{Command, TurnPhase, wire};
use super::super::calls::Call;
use super::super::queue::{self, Stop};
use super::super::requests::Cause;
use super::super::steering::{self, SteerRequest};
use super::super::transition::Transition;
use super::Lane;

/// Cancels of its turns.
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

    pub(super) fn cancel_running(
        &mut self,
        cx: &mut Transition<'_>,
        client: &Arc<str>,
        turn: Turn,
        reason: Option<&str>,
    ) {
        self.ask_to_stop(cx, client, turn, reason);
        self.queue.begin_grace(cx);
    }

    /// Records the wish, tells the agent, and answers what the turn has asked: in this order, so that an agent whose
    /// question is answered with `cancelled` knows already that the whole turn is.
    pub(super) fn ask_to_stop(&mut self, cx: &mut Transition<'_>, client: &Arc<str>, turn: Turn, reason: Option<&str>) {
        record_cancel(cx, client, turn, reason);
        self.tell_to_stop(cx);
        self.requests.resolve_turn(cx, turn, Cause::CANCELLED);
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
        record_cancel(cx, client, turn, reason);
        self.end_turn(cx, turn, Origin::Host, &Outcome::Cancelled { result: None, killed: false });
    }
}

/// Messages for its running turn.
impl Lane {
    /// Gives a queued turn's message to the agent as a part of the running turn.
    pub(super) fn offer(&mut self, cx: &mut Transition<'_>, turn: Turn, into: Turn) {
        if let Some((request, params)) = SteerRequest::offer(cx, turn, into) {
            let call = cx.call_agent(SteerRequest::METHOD.to_owned(), Some(params));
            self.calls.expect(call, Call::Steer(request));
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

/// Records that a client wants a turn to stop.
fn record_cancel(cx: &mut Transition<'_>, client: &Arc<str>, turn: Turn, reason: Option<&str>) {
    let origin = Origin::Client(Arc::clone(client));
    let reason = reason.map(|reason| wire::cut(reason, Command::MAX_REASON).to_owned());
    cx.record(Kind::CancelRequested, origin, Some(turn), &CancelRequested { reason });
}

//! Stopping a turn (P5).

use std::sync::Arc;

use acp_types::meta::CancelScope;
use acp_types::method::v1;
use acp_types::record::body::{AgentExited, CancelRequested, Outcome};
use acp_types::record::{Kind, Origin, Turn};

use super::super::{Command, Effect, TurnPhase};
use super::lane::{Agent, Lane};
use super::recorder::Step;
use super::requests::Cause;
use super::wire;

/// How far a cancel goes, and why.
#[derive(Debug)]
pub(super) struct Stop {
    pub(super) scope: CancelScope,
    pub(super) reason: Option<String>,
}

impl Lane {
    /// Stops what `scope` says. Nothing to cancel, nothing done.
    pub(super) fn stop(&mut self, step: &mut Step<'_>, client: &Arc<str>, turn: Option<Turn>, stop: &Stop) {
        let reason = stop.reason.as_deref();
        match stop.scope {
            CancelScope::Queued => self.cancel_waiting(step, client, reason),
            CancelScope::All => {
                if let Some(running) = self.running(step) {
                    self.cancel_turn(step, client, running, reason);
                }
                self.cancel_waiting(step, client, reason);
            }
            _ => {
                let first_on_offer = || self.steering(step).first().copied();
                let target = turn.or_else(|| self.running(step)).or_else(first_on_offer).or_else(|| self.next(step));
                if let Some(turn) = target {
                    self.cancel_turn(step, client, turn, reason);
                }
            }
        }
    }

    /// Cancels a turn of this lane. One whose message is part of the running turn cannot be told apart from that any
    /// more, so that both are stopped.
    fn cancel_turn(&mut self, step: &mut Step<'_>, client: &Arc<str>, turn: Turn, reason: Option<&str>) {
        let Some(info) = step.state().turn(turn).filter(|info| info.lane == self.name) else { return };
        match info.phase {
            TurnPhase::Running if !info.cancel_requested => self.cancel_running(step, client, turn, reason),
            TurnPhase::Joined(into) if !step.cancel_requested(into) => self.cancel_running(step, client, into, reason),
            TurnPhase::Queued | TurnPhase::Offered(_) => {
                self.cancel_queued(step, client, turn, reason);
                self.paused = false;
                self.advance(step);
            }
            TurnPhase::Running | TurnPhase::Joined(_) | TurnPhase::Ended(_) => {}
        }
    }

    /// Cancels everything that the agent has not been given.
    fn cancel_waiting(&mut self, step: &mut Step<'_>, client: &Arc<str>, reason: Option<&str>) {
        let on_offer = self.offers(step).into_iter().map(|(turn, _)| turn);
        for turn in self.queued(step).into_iter().chain(on_offer) {
            self.cancel_queued(step, client, turn, reason);
        }
    }

    pub(super) fn cancel_running(&mut self, step: &mut Step<'_>, client: &Arc<str>, turn: Turn, reason: Option<&str>) {
        self.ask_to_stop(step, client, turn, reason);
        self.cancel_deadline = Some(step.grace_over());
    }

    /// Records the wish, tells the agent, and answers what the turn has asked: in this order, so that an agent whose
    /// question is answered with `cancelled` knows already that the whole turn is.
    pub(super) fn ask_to_stop(&mut self, step: &mut Step<'_>, client: &Arc<str>, turn: Turn, reason: Option<&str>) {
        self.record_cancel(step, client, turn, reason);
        self.tell_to_stop(step);
        self.resolve_turn(step, turn, Cause::CANCELLED);
    }

    /// Tells an agent that is there; one that is awaited is told when it comes.
    pub(super) fn tell_to_stop(&self, step: &mut Step<'_>) {
        if self.agent == Agent::Alive {
            let params = Some(wire::session_only(self.agent_session(step)));
            step.effect(Effect::Notify { lane: Arc::clone(&self.name), method: v1::Cancel::NAME.to_owned(), params });
        }
    }

    /// A turn that the agent has not seen, or not taken, and never will.
    pub(super) fn cancel_queued(&mut self, step: &mut Step<'_>, client: &Arc<str>, turn: Turn, reason: Option<&str>) {
        self.record_cancel(step, client, turn, reason);
        self.end_turn(step, turn, Origin::Host, &Outcome::Cancelled { result: None, killed: false });
    }

    fn record_cancel(&mut self, step: &mut Step<'_>, client: &Arc<str>, turn: Turn, reason: Option<&str>) {
        let origin = Origin::Client(Arc::clone(client));
        let reason = reason.map(|reason| cut(reason, Command::MAX_REASON).to_owned());
        self.record(step, Kind::CancelRequested, origin, Some(turn), &CancelRequested { reason });
    }

    /// The grace time may be over. An agent that has ignored the cancel is killed, and one is started again at once,
    /// so that the next prompt does not wait for that.
    pub(super) fn tick(&mut self, step: &mut Step<'_>) {
        if self.cancel_deadline.is_none_or(|deadline| step.at < deadline) {
            return;
        }
        self.cancel_deadline = None;
        let Some(turn) = self.running(step) else { return };
        let seconds = step.config().cancel_grace.as_secs_f64();
        let reason = format!("it did not end the turn within {seconds} s of the cancel and was killed");
        self.announce(step);
        self.agent = Agent::Absent;
        self.record(
            step,
            Kind::AgentExited,
            Origin::Host,
            None,
            &AgentExited { reason: reason.clone(), expected: true },
        );
        self.resolve_all(step, Cause::AGENT_EXITED);
        self.end_turn(step, turn, Origin::Host, &Outcome::Cancelled { result: None, killed: true });
        self.fail_open_calls(step, &reason);
        step.effect(Effect::StopAgent { lane: Arc::clone(&self.name), kill: true });
        self.advance(step);
        self.need_agent(step, false);
    }
}

/// The beginning of a text, at most so many bytes.
pub(super) fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

//! Stopping a turn (P5).

use std::sync::Arc;

use acp_types::record::body::{AgentExited, CancelRequested, Outcome};
use acp_types::record::{Kind, Origin, Turn};

use super::super::{CommandId, Effect, Reply, TurnPhase};
use super::lane::{Agent, Lane};
use super::recorder::Step;
use super::requests::Cause;
use super::wire;

impl Lane {
    /// Cancels a turn of this lane: the one that is named, else the one that runs or is to run next. Nothing to cancel, nothing done.
    pub(super) fn cancel(&mut self, step: &mut Step<'_>, command: CommandId, client: &Arc<str>, turn: Option<Turn>) {
        let target = turn.or_else(|| self.running(step)).or_else(|| self.next(step));
        if let Some(turn) = target
            && let Some(info) = step.state().turn(turn).filter(|info| info.lane == self.name)
        {
            match info.phase {
                TurnPhase::Running if !info.cancel_requested => self.cancel_running(step, client, turn),
                TurnPhase::Queued => {
                    self.cancel_queued(step, client, turn);
                    self.paused = false;
                    self.advance(step);
                }
                TurnPhase::Running | TurnPhase::Ended(_) => {}
            }
        }
        step.reply(command, Ok(Reply::Done));
    }

    fn cancel_running(&mut self, step: &mut Step<'_>, client: &Arc<str>, turn: Turn) {
        self.ask_to_stop(step, client, turn);
        let grace = u64::try_from(step.config().cancel_grace.as_micros()).unwrap_or(u64::MAX);
        self.cancel_deadline = Some(step.at.saturating_add(grace));
    }

    /// Records the wish, tells the agent, and answers what the turn has asked: in this order, so that an agent whose
    /// question is answered with `cancelled` knows already that the whole turn is.
    pub(super) fn ask_to_stop(&mut self, step: &mut Step<'_>, client: &Arc<str>, turn: Turn) {
        self.record_cancel(step, client, turn);
        let params = Some(wire::session_only(self.agent_session(step)));
        step.effect(Effect::Notify { lane: Arc::clone(&self.name), method: "session/cancel".to_owned(), params });
        self.resolve_turn(step, turn, Cause::CANCELLED);
    }

    /// A turn that the agent has not seen, and never will.
    pub(super) fn cancel_queued(&mut self, step: &mut Step<'_>, client: &Arc<str>, turn: Turn) {
        self.record_cancel(step, client, turn);
        self.end_turn(step, turn, Origin::Host, &Outcome::Cancelled { result: None, killed: false });
    }

    fn record_cancel(&mut self, step: &mut Step<'_>, client: &Arc<str>, turn: Turn) {
        let origin = Origin::Client(Arc::clone(client));
        self.record(step, Kind::CancelRequested, origin, Some(turn), &CancelRequested {});
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

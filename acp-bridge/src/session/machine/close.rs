//! Putting a session to rest.

use std::sync::Arc;

use acp_types::record::body::{AgentExited, Outcome, SessionClosed};
use acp_types::record::{Kind, Origin};

use super::super::lanes::Lanes;
use super::super::{Effect, Output, Refusal};
use super::Machine;
use super::lane::{Agent, Lane};
use super::recorder::Step;
use super::requests::Cause;

impl Lanes<Lane> {
    /// Cancels what runs and waits in every lane, and stops the agents. A session that is closed already stays as it is.
    pub(super) fn close(&mut self, step: &mut Step<'_>, client: &Arc<str>) {
        for lane in self.iter_mut() {
            lane.put_to_rest(step, client, &Refusal::SessionClosed);
        }
        self.forget_unjoined(step);
        if !step.state().closed() {
            let closed = SessionClosed { by: Some(Arc::clone(client)) };
            self.main().record(step, Kind::SessionClosed, Origin::Client(Arc::clone(client)), None, &closed);
        }
    }
}

impl Machine {
    /// The bridge goes down in good order: running turns end here, since nobody will see how the agents would have
    /// ended them, but for those of agents that run on behind a link, which are left as they are. Queued turns stay for
    /// the next start of the bridge. Nothing may be handed in afterwards.
    pub fn shutdown(&mut self, now: u64, out: &mut Output) {
        let mut step = Step { at: now, position: None, out, core: &mut self.core };
        for lane in self.lanes.iter_mut() {
            lane.shut_down(&mut step);
        }
    }
}

impl Lane {
    /// Cancels what runs and waits, and stops the agent. Whoever waits for it is told why.
    pub(super) fn put_to_rest(&mut self, step: &mut Step<'_>, client: &Arc<str>, why: &Refusal) {
        let running = self.running(step);
        if let Some(turn) = running
            && !step.cancel_requested(turn)
        {
            self.ask_to_stop(step, client, turn, None);
        }
        self.resolve_all(step, Cause::CANCELLED);
        if let Some(turn) = running {
            self.end_turn(step, turn, Origin::Host, &Outcome::Cancelled { result: None, killed: false });
        }
        for turn in self.queued(step).into_iter().chain(self.steering(step)) {
            self.cancel_queued(step, client, turn, None);
        }
        self.fail_to_join(step, why);
        self.fail_calls(step, why);
        self.stop_agent(step, &why.to_string());
    }

    fn shut_down(&mut self, step: &mut Step<'_>) {
        let why = Refusal::ShutDown;
        self.paused = true;
        if self.runs_on(step) {
            self.fail_calls(step, &why);
            return;
        }
        self.stop_agent(step, &why.to_string());
        self.resolve_all(step, Cause::RECOVERED);
        if let Some(turn) = self.running(step) {
            let outcome = Outcome::Interrupted { reason: why.to_string() };
            self.end_turn(step, turn, Origin::Host, &outcome);
        }
        self.fail_to_join(step, &why);
        self.fail_calls(step, &why);
    }

    pub(super) fn stop_agent(&mut self, step: &mut Step<'_>, reason: &str) {
        let agent = std::mem::replace(&mut self.agent, Agent::Absent);
        if agent == Agent::Absent {
            return;
        }
        self.announce(step);
        self.restore = None;
        step.effect(Effect::StopAgent { lane: Arc::clone(&self.name), kill: false });
        if matches!(agent, Agent::Alive | Agent::Awaited) {
            let exited = AgentExited { reason: reason.to_owned(), expected: true };
            self.record(step, Kind::AgentExited, Origin::Host, None, &exited);
        }
    }
}

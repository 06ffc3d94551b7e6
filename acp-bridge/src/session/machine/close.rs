//! Putting a session to rest.

use std::sync::Arc;

use acp_types::record::body::{AgentExited, Outcome, SessionClosed};
use acp_types::record::{Kind, Origin, Turn};

use super::super::{Effect, Output};
use super::recorder::Step;
use super::requests::Cause;
use super::{Agent, Machine};

impl Machine {
    /// Cancels what runs and waits, and stops the agent. A session that is closed already stays as it is.
    pub(super) fn close(&mut self, step: &mut Step<'_>, client: &Arc<str>) {
        let running = self.state.running();
        if let Some(turn) = running
            && self.state.turn(turn).is_some_and(|info| !info.cancel_requested)
        {
            self.ask_to_stop(step, client, turn);
        }
        self.resolve_all(step, Cause::CANCELLED);
        if let Some(turn) = running {
            self.end_turn(step, turn, Origin::Host, &Outcome::Cancelled { result: None, killed: false });
        }
        let queued: Vec<Turn> = self.state.queue().collect();
        for turn in queued {
            self.cancel_queued(step, client, turn);
        }
        self.fail_calls(step, "the session was closed");
        self.stop_agent(step, "the session was closed");
        if !self.state.closed() {
            let closed = SessionClosed { by: Some(Arc::clone(client)) };
            self.record(step, Kind::SessionClosed, Origin::Client(Arc::clone(client)), None, &closed);
        }
    }

    /// The bridge goes down in good order: the running turn ends here, since nobody will see how the agent would have
    /// ended it. Queued turns stay for the next start of the bridge. Nothing may be handed in afterwards.
    pub fn shutdown(&mut self, now: u64, out: &mut Output) {
        let mut step = Step { at: now, out };
        let step = &mut step;
        self.paused = true;
        self.stop_agent(step, "the bridge was shut down");
        self.resolve_all(step, Cause::RECOVERED);
        if let Some(turn) = self.state.running() {
            let outcome = Outcome::Interrupted { reason: "the bridge was shut down".to_owned() };
            self.end_turn(step, turn, Origin::Host, &outcome);
        }
        self.fail_calls(step, "the bridge was shut down");
    }

    fn stop_agent(&mut self, step: &mut Step<'_>, reason: &str) {
        let agent = std::mem::replace(&mut self.agent, Agent::Absent);
        if agent == Agent::Absent {
            return;
        }
        step.effect(Effect::StopAgent { kill: false });
        if agent == Agent::Alive {
            let exited = AgentExited { reason: reason.to_owned(), expected: true };
            self.record(step, Kind::AgentExited, Origin::Host, None, &exited);
        }
    }
}

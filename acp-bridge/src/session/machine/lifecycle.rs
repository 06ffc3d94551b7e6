//! A lane's agent: started when it is needed, started again when it is gone.

use std::sync::Arc;

use acp_types::record::body::{AgentExited, AgentStarted, Outcome};
use acp_types::record::{Kind, Origin};

use super::super::state::Claims;
use super::super::{AgentSource, Effect, LaneState, Refusal, StartPlan, State, door};
use super::lane::{Agent, Lane};
use super::recorder::Step;
use super::requests::Cause;

impl Lane {
    /// Sees to it that an agent comes, once.
    pub(super) fn need_agent(&mut self, step: &mut Step<'_>, accepts_loss: bool) {
        if self.agent != Agent::Absent {
            return;
        }
        let accepts_loss = accepts_loss || step.config().accept_context_loss;
        self.agent = Agent::Starting { accepts_loss };
        if let Some(profile) = self.untrusted_profile(step) {
            self.start_failed(step, &Refusal::Untrusted { lane: self.name.to_string(), profile });
        } else if let Some(plan) = self.plan(step, accepts_loss) {
            step.effect(Effect::StartAgent { lane: Arc::clone(&self.name), plan });
        } else {
            self.start_failed(step, &Refusal::StartUnknown);
        }
    }

    /// The launch profile of a lane that came with a session that nobody has trusted.
    fn untrusted_profile(&self, step: &Step<'_>) -> Option<String> {
        let logged = self.logged(step.state()).filter(|lane| lane.disarmed())?;
        logged.source().profile().map(str::to_owned)
    }

    /// How its agent is started; `None` if the log does not say. Before the first one of a lane whose agent dials in there
    /// is no session of an agent to go back to.
    pub(super) fn plan(&self, step: &Step<'_>, accept_context_loss: bool) -> Option<StartPlan> {
        let logged = self.logged(step.state())?;
        let first = logged.awaits_first_agent();
        let agent_session = if first { None } else { logged.agent()?.agent_session.clone() };
        Some(StartPlan {
            initialize: step.initialize()?,
            params: step.start_params().clone(),
            source: logged.source().clone(),
            first,
            agent_session,
            accept_context_loss,
        })
    }

    /// Where its agent comes from, whether or not the log knows the lane yet.
    pub(super) fn source<'s>(&'s self, state: &'s State) -> Option<&'s AgentSource> {
        let of_log = || self.logged(state).map(LaneState::source);
        self.joining.as_ref().map(|joining| &joining.source).or_else(of_log)
    }

    pub(super) fn started(&mut self, step: &mut Step<'_>, started: &AgentStarted) {
        if !matches!(self.agent, Agent::Starting { .. }) {
            return;
        }
        self.agent = Agent::Alive;
        // Clients have the session already, and know nothing of its agent.
        let is_news = self.logged(step.state()).is_some_and(LaneState::awaits_first_agent);
        let joining = self.join(step);
        let started = Self::logged_start(step, started);
        self.record(step, Kind::AgentStarted, Origin::Host, None, &started);
        if let Some(command) = joining {
            self.joined(step, command);
        }
        if is_news {
            self.tell_restored(step, &Claims::default(), &[]);
        }
        self.serve_or_restore(step);
    }

    /// The agent is there: it is given what clients chose, then what waits for it.
    pub(super) fn serve_or_restore(&mut self, step: &mut Step<'_>) {
        self.begin_restore(step);
        if self.is_ready() {
            self.pass_waiting(step);
            self.advance(step);
        }
    }

    /// Whoever waits is told, all of them: to try once for each would only make them wait. Turns that may run without
    /// the agent's memory get a try of their own if this one was not allowed to lose it.
    pub(super) fn start_failed(&mut self, step: &mut Step<'_>, why: &Refusal) {
        let Agent::Starting { accepts_loss } = self.agent else { return };
        self.agent = Agent::Absent;
        self.fail_to_join(step, why);
        self.fail_waiting_calls(step, why);
        let outcome = Outcome::Failed { error: door::error_object(why) };
        // Those that wait for a client after a restart of the bridge were not to run yet, nor what is behind them.
        let to_run = self.queued(step).into_iter().take_while(|&turn| self.may_run(step, turn));
        for turn in to_run.collect::<Vec<_>>() {
            let may_try = !accepts_loss && step.state().turn(turn).is_some_and(|info| info.accept_context_loss);
            if !may_try {
                self.end_turn(step, turn, Origin::Host, &outcome);
            }
        }
        self.advance(step);
    }

    /// The agent went by itself.
    pub(super) fn exited(&mut self, step: &mut Step<'_>, reason: &str) {
        self.gone(step, reason, "the agent exited in mid-turn");
    }

    /// There is no agent any more, and nobody wanted that.
    pub(super) fn gone(&mut self, step: &mut Step<'_>, reason: &str, why: &str) {
        self.announce(step);
        self.agent = Agent::Absent;
        let exited = AgentExited { reason: reason.to_owned(), expected: false };
        self.record(step, Kind::AgentExited, Origin::Host, None, &exited);
        let restoring = self.died_while_restoring(step, reason);
        self.resolve_all(step, Cause::AGENT_EXITED);
        if let Some(turn) = self.running(step) {
            let cancelled = step.cancel_requested(turn);
            let outcome = if cancelled {
                Outcome::Cancelled { result: None, killed: false }
            } else {
                Outcome::Interrupted { reason: format!("{why}: {reason}") }
            };
            self.end_turn(step, turn, Origin::Host, &outcome);
        }
        self.fail_open_calls(step, &format!("it is gone: {reason}"));
        self.advance(step);
        if restoring && self.is_called() {
            self.need_agent(step, false);
        }
    }
}

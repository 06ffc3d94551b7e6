//! Agents that nobody needs are stopped. The session stays, and what is asked of it next starts them again.

use super::super::lanes::Lanes;
use super::super::{LaneState, State};
use super::Machine;
use super::lane::{Agent, Lane};
use super::recorder::Step;

const RESTS: &str = "nobody needed it: no turn, no client and nothing that waits";

/// What agents say of themselves if they can go back to a session.
const COMES_BACK: [&[&str]; 2] = [&["loadSession"], &["sessionCapabilities", "resume"]];

impl Machine {
    /// Since when, in microseconds since the Unix epoch, agents run that nobody needs: no controller is there, no turn runs
    /// or waits, and nobody waits for an answer, of a client or an agent. `None` while that is not so, and without an agent
    /// that can be stopped: one that could not go back to the conversation is kept, and one that dials in is not ours.
    ///
    /// Who looks on is known to the log alone: whoever hands in [`super::super::Input::Rest`] asks it before.
    #[must_use]
    pub fn idle_since(&self) -> Option<u64> {
        self.idle_since
    }

    /// Something has happened.
    pub(super) fn note_use(&mut self, now: u64) {
        self.idle_since = self.is_idle().then_some(now);
    }

    /// Time has passed, and perhaps with it what was waited for.
    pub(super) fn note_time(&mut self, now: u64) {
        self.idle_since = self.is_idle().then(|| self.idle_since.unwrap_or(now));
    }

    pub(super) fn is_idle(&self) -> bool {
        let state = &self.core.state;
        self.core.attendance.is_unattended()
            && self.lanes.iter().all(|lane| lane.is_idle(state))
            && self.lanes.iter().any(|lane| lane.may_rest(state))
            && state.pending().next().is_none()
    }
}

impl Lanes<Lane> {
    /// Stops the agents that can be started again.
    pub(super) fn rest(&mut self, step: &mut Step<'_>) {
        for lane in self.iter_mut() {
            if lane.may_rest(step.state()) {
                lane.stop_agent(step, RESTS);
            }
        }
    }
}

impl Lane {
    fn is_idle(&self, state: &State) -> bool {
        let logged = self.logged(state);
        let settled = matches!(self.agent, Agent::Absent | Agent::Alive) && self.joining.is_none();
        let works = |lane: &LaneState| lane.running().is_some() || lane.queue().len() + lane.steered().len() > 0;
        settled && self.restore.is_none() && !self.any_calls() && !logged.is_some_and(works)
    }

    fn may_rest(&self, state: &State) -> bool {
        let Some(logged) = self.logged(state).filter(|_| self.agent == Agent::Alive) else { return false };
        let capabilities = logged.agent().and_then(|agent| agent.initialize.as_raw().member("agentCapabilities"));
        let comes_back = COMES_BACK.iter().any(|path| {
            let said = capabilities.and_then(|said| said.path(path));
            said.is_some_and(|said| !matches!(said.as_str(), "null" | "false"))
        });
        comes_back && !logged.source().dials_in()
    }
}

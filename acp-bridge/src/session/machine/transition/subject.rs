//! Subject of a transition: its time and its session, and what the log says of its lane.

use std::sync::Arc;
use std::time::Duration;

use acp_types::RawBuf;
use acp_types::meta::Unattended;
use acp_types::record::{Seq, Turn};
use acp_types::{SessionId, rewrite};

use super::super::super::{LaneState, PendingRequest, State};
use super::super::config::Config;
use super::super::presence::ControllerPresence;
use super::Transition;

/// Subject of the transition.
impl Transition<'_> {
    /// Its time, in microseconds since the Unix epoch.
    pub(in super::super) fn at(&self) -> u64 {
        self.at
    }

    /// A time after its own.
    pub(in super::super) fn after(&self, time: Duration) -> u64 {
        self.at.saturating_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
    }

    /// Time when the grace for what happens now is over.
    pub(in super::super) fn grace_over(&self) -> u64 {
        self.after(self.core.config.cancel_grace)
    }

    pub(in super::super) fn config(&self) -> &Config {
        &self.core.config
    }

    pub(in super::super) fn session(&self) -> &SessionId {
        &self.core.session
    }

    pub(in super::super) fn presence(&self) -> &ControllerPresence {
        &self.core.presence
    }

    pub(in super::super) fn presence_mut(&mut self) -> &mut ControllerPresence {
        &mut self.core.presence
    }

    /// Policy for permission requests while no controller is there.
    pub(in super::super) fn policy(&self) -> &Unattended {
        self.core.state.unattended().unwrap_or(&self.core.config.unattended)
    }

    /// Params for the next start of an agent.
    pub(in super::super) fn start_params(&self) -> &RawBuf {
        &self.core.start_params
    }

    /// The `initialize` params of the client that has made the session, as the log has them. Somebody else's `_meta` means
    /// nothing to the agent.
    pub(in super::super) fn initialize(&self) -> Option<RawBuf> {
        let initialize = &self.core.state.created()?.initialize;
        if self.core.state.armed() {
            return Some(initialize.clone());
        }
        Some(rewrite::remove_member(initialize.as_raw(), "_meta"))
    }
}

/// Questions about what the log says.
impl Transition<'_> {
    pub(in super::super) fn state(&self) -> &State {
        &self.core.state
    }

    /// The lane that it is for.
    pub(in super::super) fn lane(&self) -> &Arc<str> {
        &self.lane
    }

    /// State of the lane in the log.
    pub(in super::super) fn logged(&self) -> Option<&LaneState> {
        self.core.state.lane(&self.lane)
    }

    /// The turn that the lane's agent works on.
    pub(in super::super) fn running(&self) -> Option<Turn> {
        self.logged()?.running()
    }

    /// The turns that wait in the lane.
    pub(in super::super) fn queued(&self) -> Vec<Turn> {
        self.logged().map(|lane| lane.queue().collect()).unwrap_or_default()
    }

    /// Turns that are on offer to the lane's agent, or part of the running one.
    pub(in super::super) fn steered(&self) -> Vec<Turn> {
        self.logged().map(|lane| lane.steered().collect()).unwrap_or_default()
    }

    /// Returns whether somebody asked for this turn to stop.
    pub(in super::super) fn cancel_requested(&self, turn: Turn) -> bool {
        self.core.state.turn(turn).is_some_and(|info| info.cancel_requested)
    }

    /// Requests of the lane's agent that nobody has answered, oldest first.
    pub(in super::super) fn pending(&self) -> impl Iterator<Item = (Seq, &PendingRequest)> + '_ {
        self.core.state.pending().filter(|(_, request)| request.lane == self.lane)
    }

    /// The agent's own id of the session. Empty, which names none, if it never had one.
    pub(in super::super) fn agent_session(&self) -> &str {
        let agent = self.logged().and_then(LaneState::agent);
        agent.and_then(|agent| agent.agent_session.as_deref()).unwrap_or_default()
    }
}

//! Position of a client in a session: who it is there, how far it is in the log, and what of it it sees.

use std::sync::Arc;

use acp_types::SessionId;
use acp_types::record::{Record, Seq};

use super::history::{Arrival, Entry, History};
use crate::gateway::outgoing::Outgoing;
use crate::gateway::presence::Membership;
use crate::service::follower::Batch;
use crate::session::{PendingRequest, State};
use crate::view::LaneFilter;

/// Log of a session, as it was when a client came.
#[derive(Debug, Clone, Default)]
pub(in crate::gateway) struct Seen {
    /// State as of `head`; shared with whoever is there.
    pub(in crate::gateway) state: Arc<State>,
    /// End of the log.
    pub(in crate::gateway) head: Seq,
}

/// Position of one client in one session.
#[derive(Debug)]
pub(super) struct Position {
    /// Membership of the session, which is left when this is dropped.
    membership: Membership,
    /// State ahead of the cursor while history is shown, then as of the cursor. All who are at one place share one.
    state: Arc<State>,
    cursor: Seq,
    /// Lanes of the session that the client sees. The cursor moves over the rest.
    lanes: LaneFilter,
    history: History,
}

impl Position {
    /// Position behind `cursor`, with the log as it is now.
    pub(super) fn new(membership: Membership, seen: Seen, cursor: Seq, lanes: LaneFilter, entry: Entry) -> Self {
        Self { membership, state: seen.state, cursor, lanes, history: History::new(entry, seen.head) }
    }

    /// Membership of the session.
    pub(super) fn membership(&self) -> &Membership {
        &self.membership
    }

    /// Name of the session.
    pub(super) fn session(&self) -> &SessionId {
        self.membership.session()
    }

    /// State of the session by its log.
    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Seq of the last record that was shown.
    pub(super) fn cursor(&self) -> Seq {
        self.cursor
    }

    /// Moves the cursor to the next record.
    pub(super) fn move_to(&mut self, seq: Seq) {
        self.cursor = seq;
    }

    /// Returns whether all history has been shown: what comes is live.
    pub(super) fn is_live(&self) -> bool {
        self.history.is_over()
    }

    /// Ends history if the cursor has reached its end; what the client is told then.
    pub(super) fn reach_live(&mut self) -> Option<Arrival> {
        self.history.reach(self.cursor)
    }

    /// Ends history where it is; what the client would have been told at its end.
    pub(super) fn cut_history(&mut self) -> Option<Arrival> {
        self.history.cut()
    }

    /// Lanes that the client sees.
    pub(super) fn lanes(&self) -> &LaneFilter {
        &self.lanes
    }

    /// Returns whether the client sees a lane.
    pub(super) fn shows(&self, lane: &str) -> bool {
        self.lanes.shows(lane)
    }

    /// Returns whether the client is asked what the agent asks now (P8): every controller is, once it has seen what was
    /// before.
    pub(super) fn is_asked(&self) -> bool {
        self.membership.role.is_controller() && self.is_live()
    }

    /// Returns whether the client sees what a request belongs to: a session that it understands, and its lane or a turn of
    /// its own.
    pub(super) fn sees(&self, request: &PendingRequest, out: &Outgoing) -> bool {
        if self.state.child_of(request).is_some() && !out.view.understands_children() {
            return false;
        }
        let its_own = |turn| out.prompts.waits_for(self.session(), turn);
        self.shows(&request.lane) || request.turn.is_some_and(its_own)
    }

    /// Takes a control record into the state. Whoever is far behind folds by itself.
    pub(super) fn fold(&mut self, record: &Record, batch: &Batch) {
        // While history is shown the state is ahead.
        if record.seq <= self.state.head().max(self.history.end()) {
            return;
        }
        if let Some(state) = batch.state_behind(record.seq) {
            self.state = Arc::clone(state);
        } else if let Err(error) = Arc::make_mut(&mut self.state).apply(record) {
            tracing::error!(session = %self.session(), %error, "the session's log is damaged");
        }
    }

    /// Shares the state behind the last record of a batch, all of which has been shown.
    pub(super) fn share(&mut self, batch: &Batch) {
        if let Some(state) = batch.last_state()
            && state.head() >= self.state.head()
        {
            // What was folded here is not needed any more.
            self.state = Arc::clone(state);
        }
    }
}

//! State of a session by its log: the fold of its control records.

mod answers;
mod apply;
mod choices;
mod error;
mod lane;
mod order;
mod pending;
mod settings;
mod terminals;
mod trust;
mod turns;

use std::sync::Arc;

use acp_types::meta::Unattended;
use acp_types::record::body::{SessionCreated, SessionDisarmed};
use acp_types::record::{Epoch, Seq, Turn};

pub use error::StateError;
pub use lane::LaneState;
pub use pending::PendingRequest;
pub(super) use settings::Claims;
pub use turns::{TurnInfo, TurnPhase};

use super::lanes::Lanes;
use pending::Pending;
use terminals::Terminals;
use trust::Trust;
use turns::Turns;

/// State of a session as its log says, record by record: [`State::apply`]. Host and gateway fold the same records into
/// it.
///
/// Update and extension records only move the head, so a log read with the control filter does as well; see
/// [`State::set_head`].
///
/// It is bounded whatever the log's length: of the turns that ended it remembers the newest 1,024, or fewer if their
/// results together exceed 4 MiB. A key older than that is new again; the log keeps the results.
///
/// A clone shares with the original whatever neither has changed since, so that states of neighbouring places in one log
/// cost little more than one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    head: Seq,
    epoch: Epoch,
    created: Option<Arc<SessionCreated>>,
    title: Option<Arc<str>>,
    closed: bool,
    unattended: Option<Unattended>,
    trust: Trust,
    lanes: Lanes<Arc<LaneState>>,
    turns: Turns,
    pending: Pending,
    terminals: Terminals,
}

impl State {
    /// Seq of the last record; `0` before the first.
    #[must_use]
    pub fn head(&self) -> Seq {
        self.head
    }

    /// Moves the head forward over records that were not read because they are no control records. Never back.
    pub fn set_head(&mut self, head: Seq) {
        self.head = self.head.max(head);
    }

    /// Takes notice that the log has an agent's message of this number whose record was not read because it is no control
    /// record. Never back.
    pub fn set_received(&mut self, lane: &str, position: u64) {
        if let Some(lane) = self.lane_mut(lane) {
            lane.heard(position);
        }
    }

    /// Epoch of the last record that was applied.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// First record of the session; `None` before it.
    #[must_use]
    pub fn created(&self) -> Option<&SessionCreated> {
        self.created.as_deref()
    }

    /// The session's title, if it has one.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// Returns whether it was closed and neither prompted nor given an agent since.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.closed
    }

    /// Policy for permission requests while no controller is there; `None`: that of the server.
    #[must_use]
    pub fn unattended(&self) -> Option<&Unattended> {
        self.unattended.as_ref()
    }

    /// Returns whether what the session says may have effects. It may not while the session was written elsewhere and
    /// nobody has said that it is to be trusted: then its MCP servers, what waits in it, its policy, the modes and
    /// options that were chosen before, and the agents of its lanes start nothing.
    #[must_use]
    pub fn armed(&self) -> bool {
        self.disarmed().is_none()
    }

    /// Origin of a session that is not [`Self::armed`], and what of it has no effect.
    #[must_use]
    pub fn disarmed(&self) -> Option<&SessionDisarmed> {
        self.trust.disarmed()
    }

    /// Returns whether a turn was accepted elsewhere and is not to run here.
    #[must_use]
    pub fn is_of_elsewhere(&self, turn: Turn) -> bool {
        turn < self.trust.since()
    }

    /// The lane of the session's first agent.
    #[must_use]
    pub fn main(&self) -> &LaneState {
        self.lanes.main()
    }

    /// A lane by its name; `None` if there is none, or none any more.
    #[must_use]
    pub fn lane(&self, name: &str) -> Option<&LaneState> {
        self.lanes.get(name).map(|lane| &**lane)
    }

    fn lane_mut(&mut self, name: &str) -> Option<&mut LaneState> {
        self.lanes.get_mut(name).map(Arc::make_mut)
    }

    /// All lanes: `main`, then those that joined, by name.
    pub fn lanes(&self) -> impl Iterator<Item = &LaneState> + '_ {
        self.lanes.iter().map(|lane| &**lane)
    }

    /// A turn of any lane; `None` for a seq that names no turn and for a turn that was forgotten.
    #[must_use]
    pub fn turn(&self, turn: Turn) -> Option<&TurnInfo> {
        self.turns.get(turn)
    }

    /// The turn that a prompt with this key has started (P6), in whichever lane.
    #[must_use]
    pub fn turn_by_key(&self, key: &str) -> Option<Turn> {
        self.turns.by_key(key)
    }

    /// Requests of the agents that nobody has answered yet, oldest first.
    pub fn pending(&self) -> impl Iterator<Item = (Seq, &PendingRequest)> + '_ {
        self.pending.iter()
    }

    /// The client, as records name it, that has the terminal which a request is about; `None` if it is about none that a
    /// client has made. Of the terminals of a session the newest 1,024 are remembered.
    #[must_use]
    pub fn terminal_owner(&self, request: &PendingRequest) -> Option<&Arc<str>> {
        self.terminals.owner(request)
    }

    /// The client, as records name it, that has made this terminal of a lane's agent, be it released or not; `None` if none
    /// is known to have. As many are remembered as of [`Self::terminal_owner`].
    #[must_use]
    pub fn terminal_maker(&self, lane: &str, terminal: &str) -> Option<&Arc<str>> {
        self.terminals.maker(lane, terminal)
    }

    /// Bytes of what in it may be big: prompts, results, requests, and what agents said when they were started.
    #[must_use]
    pub(crate) fn weight(&self) -> usize {
        let requests: usize = self.pending.iter().map(|(_, request)| request.weight()).sum();
        let agents: usize = self.lanes().map(LaneState::weight).sum();
        self.turns.weight() + requests + agents
    }

    /// A request that nobody has answered, by the seq of its record.
    #[must_use]
    pub fn pending_request(&self, request: Seq) -> Option<&PendingRequest> {
        self.pending.get(request)
    }
}

#[cfg(test)]
mod tests;

//! What a session's log says: the fold of its control records.

mod apply;
mod error;
mod pending;
mod turns;

use std::borrow::Cow;

use acp_types::record::body::{AgentStarted, SessionCreated};
use acp_types::record::{Epoch, Seq, Turn};
use acp_types::{Raw, RawBuf, rewrite};

pub use error::StateError;
pub use pending::PendingRequest;
pub use turns::{TurnInfo, TurnPhase};

use pending::Pending;
use turns::Turns;

/// What a session's log says, record by record: [`State::apply`]. Host and gateway fold the same records into it.
///
/// Update and extension records only move the head, so a log read with the control filter does as well; see
/// [`State::set_head`].
///
/// It is bounded whatever the log's length: of the turns that ended it remembers the newest 1,024, or fewer if their
/// results together exceed 4 MiB. A key older than that is new again; the log keeps the results.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    head: Seq,
    epoch: Epoch,
    created: Option<SessionCreated>,
    agent: Option<AgentStarted>,
    agent_alive: bool,
    title: Option<String>,
    mode: Option<String>,
    config_options: Option<RawBuf>,
    closed: bool,
    turns: Turns,
    pending: Pending,
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

    /// Epoch of the last record that was applied.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// How the session was made; `None` before its first record.
    #[must_use]
    pub fn created(&self) -> Option<&SessionCreated> {
        self.created.as_ref()
    }

    /// How its agent was last started, whether or not it still runs.
    #[must_use]
    pub fn agent(&self) -> Option<&AgentStarted> {
        self.agent.as_ref()
    }

    /// Whether, as far as the log knows, an agent process serves the session.
    #[must_use]
    pub fn agent_alive(&self) -> bool {
        self.agent_alive
    }

    /// The session's title, if it has one.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// The mode that the session is in: `currentModeId`. It outlives the agent process.
    #[must_use]
    pub fn mode(&self) -> Option<&str> {
        self.mode.as_deref()
    }

    /// The session's `configOptions`, the whole list: the last that was recorded, or that of the agent's start.
    #[must_use]
    pub fn config_options(&self) -> Option<Raw<'_>> {
        match &self.config_options {
            Some(options) => Some(options.as_raw()),
            None => started_member(self.agent.as_ref()?, "configOptions"),
        }
    }

    /// Whether it was closed and neither prompted nor given an agent since.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.closed
    }

    /// The turn that the agent works on.
    #[must_use]
    pub fn running(&self) -> Option<Turn> {
        self.turns.running()
    }

    /// Accepted turns that the agent has not been given yet, in the order in which it will be.
    pub fn queue(&self) -> impl ExactSizeIterator<Item = Turn> + '_ {
        self.turns.queue()
    }

    /// One turn; `None` for a seq that names no turn and for a turn that was forgotten.
    #[must_use]
    pub fn turn(&self, turn: Turn) -> Option<&TurnInfo> {
        self.turns.get(turn)
    }

    /// The turn that a prompt with this key has started (P6).
    #[must_use]
    pub fn turn_by_key(&self, key: &str) -> Option<Turn> {
        self.turns.by_key(key)
    }

    /// Requests of the agent that nobody has answered yet, oldest first.
    pub fn pending(&self) -> impl Iterator<Item = (Seq, &PendingRequest)> + '_ {
        self.pending.iter()
    }

    /// One such request, by the seq of its record.
    #[must_use]
    pub fn pending_request(&self, request: Seq) -> Option<&PendingRequest> {
        self.pending.get(request)
    }

    /// The result of `session/load` and `session/resume`: what the agent said at its last start, without its session
    /// id, with the mode and the options as they are now. Everything else is as the agent wrote it.
    #[must_use]
    pub fn session_result(&self) -> RawBuf {
        let Some(agent) = &self.agent else { return Raw::EMPTY_OBJECT.to_owned() };
        let mut result = rewrite::remove_member(agent.state.as_raw(), "sessionId");
        let with_modes = result.as_raw().path(&["modes", "currentModeId"]).is_some();
        if with_modes && let Some(mode) = self.mode.as_ref().and_then(|mode| RawBuf::encode(mode).ok()) {
            result = rewrite::set_path(result.as_raw(), &["modes", "currentModeId"], mode.as_raw());
        }
        if let Some(options) = &self.config_options {
            result = rewrite::set_member(result.as_raw(), "configOptions", options.as_raw());
        }
        result
    }
}

/// A member of what the agent answered at its start; `null` counts as absent.
fn started_member<'a>(agent: &'a AgentStarted, key: &str) -> Option<Raw<'a>> {
    agent.state.as_raw().member(key).filter(|value| !value.is_null())
}

/// The mode in which the agent started.
fn started_mode(agent: &AgentStarted) -> Option<Cow<'_, str>> {
    started_member(agent, "modes")?.member("currentModeId")?.as_string()
}

#[cfg(test)]
mod tests;

//! The sessions that the editor has opened, each with its cursor.

use std::collections::BTreeMap;

use acp_types::record::{Seq, Turn};
use acp_types::{RawBuf, SessionId};

use super::requests::Order;

/// Phase of a session on the present link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// A session that is not attached.
    Detached,
    /// A session on its way by a request of ours; what the editor says about it waits.
    Resuming,
    /// A session that is attached; what happened since its cursor is being shown.
    CatchingUp,
    /// A session that is attached.
    Live,
}

/// A `session/load` of the editor that has no answer yet.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) request: Order,
    /// The session was attached before, so that live updates may still come before the history.
    pub(super) again: bool,
    /// True once something of the history was shown: it cannot be shown from the beginning any more.
    pub(super) begun: bool,
    /// The answer, which has to wait until the rest of the history is shown.
    pub(super) result: Option<RawBuf>,
}

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    /// Params that the editor opened it with: directory, MCP servers.
    pub(super) params: RawBuf,
    /// Seq of the last record that the editor has been shown.
    pub(super) cursor: Seq,
    pub(super) phase: Phase,
    pub(super) load: Option<Load>,
    /// The last turn that somebody else prompted.
    pub(super) foreign: Option<Turn>,
    /// The turn that runs, as far as known.
    pub(super) running: Option<Turn>,
    /// True if that turn was to be cancelled.
    pub(super) stop: bool,
}

impl Session {
    pub(super) fn new(params: RawBuf, cursor: Seq, phase: Phase) -> Self {
        Self { params, cursor, phase, load: None, foreign: None, running: None, stop: false }
    }

    /// Takes note of the next thing that is to be shown; whether it is new to the editor.
    pub(super) fn show(&mut self, seq: Seq) -> bool {
        let new = match &mut self.load {
            // History is shown again from its beginning: the first seq that does not grow belongs to it.
            Some(load) if !load.begun => {
                load.begun = !load.again || seq <= self.cursor;
                true
            }
            _ => seq > self.cursor,
        };
        if new {
            self.cursor = seq;
        }
        new
    }

    /// Notes that everything up to `seq` has been shown.
    pub(super) fn advance(&mut self, seq: Seq) {
        if self.load.as_ref().is_none_or(|load| load.begun) {
            self.cursor = self.cursor.max(seq);
        }
    }

    /// Notes the turn that runs, from a message that belongs to it.
    pub(super) fn in_turn(&mut self, turn: Option<Turn>) {
        if let Some(turn) = turn
            && self.running != Some(turn)
        {
            self.running = Some(turn);
            self.stop = false;
        }
    }

    /// A turn is over.
    pub(super) fn ended(&mut self, turn: Turn) {
        if self.running == Some(turn) {
            self.running = None;
            self.stop = false;
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Sessions(BTreeMap<SessionId, Session>);

impl Sessions {
    pub(super) fn get(&self, id: &SessionId) -> Option<&Session> {
        self.0.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &SessionId) -> Option<&mut Session> {
        self.0.get_mut(id)
    }

    /// The session in whose log it stands what names this one: its parent's, for a child session.
    pub(super) fn of_log(&self, named: SessionId) -> SessionId {
        if self.0.contains_key(&named) {
            return named;
        }
        let parent = named.as_child().map(|(parent, _)| parent);
        parent.filter(|parent| self.0.contains_key(parent)).unwrap_or(named)
    }

    pub(super) fn insert(&mut self, id: SessionId, session: Session) {
        self.0.insert(id, session);
    }

    pub(super) fn remove(&mut self, id: &SessionId) -> Option<Session> {
        self.0.remove(id)
    }

    pub(super) fn ids(&self) -> Vec<SessionId> {
        self.0.keys().cloned().collect()
    }

    /// Returns whether none is still on its way.
    pub(super) fn are_settled(&self) -> bool {
        self.0.values().all(|session| matches!(session.phase, Phase::Detached | Phase::Live))
    }

    /// The link is gone. Returns the loads that have to be sent again from the beginning.
    pub(super) fn dropped(&mut self) -> Vec<Order> {
        let mut again = Vec::new();
        self.0.retain(|_, session| {
            session.phase = Phase::Detached;
            match session.load.take() {
                Some(load) if load.begun => {
                    session.load = Some(Load { result: None, ..load });
                    true
                }
                Some(load) => {
                    again.push(load.request);
                    load.again
                }
                None => true,
            }
        });
        again
    }
}

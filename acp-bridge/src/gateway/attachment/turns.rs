//! Turns that one client waits for in one session, when they cannot end as turns do: the log fails, or the client leaves.

use acp_types::RequestId;
use acp_types::record::Turn;

use super::position::Position;
use crate::gateway::outgoing::Outgoing;
use crate::session::LaneState;
use crate::view::{News, RequestError, Response};

/// Answers to prompts of which the turn is known.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Reason why the log could not be written, until it is again: for prompts that are accepted and known here only
    /// later.
    unwritable: Option<RequestError>,
}

impl Turns {
    /// Takes in that the log is written: there is a record.
    pub(super) fn written(&mut self) {
        self.unwritable = None;
    }

    /// Answers a prompt when its turn ends, or at once when the client has seen it end.
    pub(super) fn wait(&self, turn: Turn, id: RequestId, at: &Position, out: &mut Outgoing) {
        if !at.is_live() || turn > at.cursor() {
            return out.prompts.wait(id, at.session().clone(), turn);
        }
        let Some(info) = at.state().turn(turn) else {
            return out.refuse(id, &RequestError::TurnForgotten { turn });
        };
        match (info.phase.outcome(), &self.unwritable) {
            (Some(outcome), _) => {
                out.respond(id, Response::Turn { turn, seq: at.cursor(), outcome, steered: info.steered });
            }
            (None, Some(why)) => out.refuse(id, why),
            (None, None) => out.prompts.wait(id, at.session().clone(), turn),
        }
    }

    /// Looks again at every prompt that waits: some of their turns may have ended before the cursor.
    pub(super) fn wait_again(&self, at: &Position, out: &mut Outgoing) {
        for (turn, id) in out.prompts.take_all(at.session()) {
            self.wait(turn, id, at, out);
        }
    }

    /// Takes in that the log cannot be written: what runs will not end well, and everybody is told (P2).
    pub(super) fn unwritable(&mut self, reason: &str, at: &Position, out: &mut Outgoing) {
        let why = RequestError::Unwritable { reason: reason.to_owned() };
        let seen = at.state().lanes().filter(|lane| at.shows(lane.name()));
        let running = seen.filter_map(LaneState::running);
        let not_ours: Vec<Turn> = running.filter(|turn| !out.prompts.waits_for(at.session(), *turn)).collect();
        fail_all(&why, at, out);
        for turn in not_ours {
            out.tell(at.session(), &News::TurnUnwritable { turn, why: &why });
        }
        self.unwritable = Some(why);
    }
}

/// Refuses every prompt that waits for a turn: the session can be followed no longer.
pub(super) fn fail_all(why: &RequestError, at: &Position, out: &mut Outgoing) {
    for (_, id) in out.prompts.take_all(at.session()) {
        out.refuse(id, why);
    }
}

/// Refuses every prompt that waits for a turn: the client leaves, and the turns go on without it.
pub(super) fn leave_all(at: &Position, out: &mut Outgoing) {
    for (turn, id) in out.prompts.take_all(at.session()) {
        out.refuse(id, &RequestError::DetachedFromTurn { session: at.session().clone(), turn });
    }
}

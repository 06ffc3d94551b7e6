//! Fate of a prompt between its acceptance and its turn.

use std::sync::Arc;

use acp_types::record::Turn;
use acp_types::record::body::{PromptSteered, Steer};

use super::{LaneState, State, TurnPhase};

impl State {
    /// Moves a turn in its queue; returns whether it had a place there that could be another one.
    pub(super) fn move_turn_before(&mut self, turn: Turn, before: Option<Turn>) -> bool {
        self.lane_of_turn(turn).is_some_and(|lane| lane.move_before(turn, before))
    }

    /// Takes a step of steering; returns whether the turn was where the step begins.
    pub(super) fn steer(&mut self, turn: Turn, PromptSteered { into, steer }: PromptSteered) -> bool {
        let Some(phase) = self.turns.get(turn).map(|info| info.phase.clone()) else { return false };
        let Some(lane) = self.lane_of_turn(turn) else { return false };
        let next = match (steer, phase) {
            (Steer::Offered, TurnPhase::Queued) if lane.offer(turn) => TurnPhase::Offered(into),
            (Steer::Injected, TurnPhase::Offered(offered)) if offered == into => TurnPhase::Joined(into),
            (Steer::Queued, TurnPhase::Offered(offered)) if offered == into && lane.take_back(turn) => {
                TurnPhase::Queued
            }
            _ => return false,
        };
        self.turns.steer(turn, next);
        true
    }

    /// The lane of a turn that is remembered.
    pub(super) fn lane_of_turn(&mut self, turn: Turn) -> Option<&mut LaneState> {
        let lane = Arc::clone(&self.turns.get(turn)?.lane);
        self.lane_mut(&lane)
    }
}

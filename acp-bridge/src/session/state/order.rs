//! Order of a lane's turns.

use std::collections::VecDeque;

use acp_types::record::Turn;

/// Order of a lane's turns: those that wait, the one that runs, and those that are to be part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TurnOrder {
    queue: VecDeque<Turn>,
    running: Option<Turn>,
    /// Turns that were taken out of the queue to be part of the running one.
    steered: Vec<Turn>,
}

impl TurnOrder {
    /// The turn that runs.
    pub(super) fn running(&self) -> Option<Turn> {
        self.running
    }

    /// Turns that wait, the next one first.
    pub(super) fn queue(&self) -> impl ExactSizeIterator<Item = Turn> + '_ {
        self.queue.iter().copied()
    }

    /// Turns that are on offer as a part of the running one, or are one.
    pub(super) fn steered(&self) -> impl ExactSizeIterator<Item = Turn> + '_ {
        self.steered.iter().copied()
    }

    /// Returns whether one runs or waits.
    pub(super) fn any_open(&self) -> bool {
        self.running.is_some() || !self.queue.is_empty()
    }

    /// Adds a turn to the queue.
    pub(super) fn add(&mut self, turn: Turn, first: bool) {
        if first {
            self.queue.push_front(turn);
        } else {
            self.queue.push_back(turn);
        }
    }

    /// Moves a turn in the queue, if it waited here and so did the one that it is to be before; returns whether it did.
    pub(super) fn move_before(&mut self, turn: Turn, before: Option<Turn>) -> bool {
        let place = |queue: &VecDeque<Turn>, turn| queue.iter().position(|&queued| queued == turn);
        let (Some(from), false) = (place(&self.queue, turn), before == Some(turn)) else { return false };
        if before.is_some_and(|before| place(&self.queue, before).is_none()) {
            return false;
        }
        self.queue.remove(from);
        let to = before.and_then(|before| place(&self.queue, before)).unwrap_or(self.queue.len());
        self.queue.insert(to, turn);
        true
    }

    /// Takes a turn that waited out of the queue, to be offered to the agent; returns whether it waited.
    pub(super) fn offer(&mut self, turn: Turn) -> bool {
        let Some(at) = self.queue.iter().position(|&queued| queued == turn) else { return false };
        self.queue.remove(at);
        self.steered.push(turn);
        true
    }

    /// Puts a turn that was on offer first into the queue; returns whether it was on offer.
    pub(super) fn take_back(&mut self, turn: Turn) -> bool {
        let Some(at) = self.steered.iter().position(|&steered| steered == turn) else { return false };
        self.steered.remove(at);
        self.queue.push_front(turn);
        true
    }

    /// Starts a turn, if it waits and none runs; returns whether it did.
    pub(super) fn start(&mut self, turn: Turn) -> bool {
        let at = self.queue.iter().position(|&queued| queued == turn);
        let (None, Some(at)) = (self.running, at) else { return false };
        self.queue.remove(at);
        self.running = Some(turn);
        true
    }

    /// Takes out a turn that ends; returns whether it ran.
    pub(super) fn end(&mut self, turn: Turn) -> bool {
        let ran = self.running == Some(turn);
        if ran {
            self.running = None;
        }
        self.queue.retain(|&queued| queued != turn);
        self.steered.retain(|&steered| steered != turn);
        ran
    }
}

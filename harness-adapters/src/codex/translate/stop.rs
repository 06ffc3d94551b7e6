//! Stopping: a cancel, a close, and what has to be cleaned up after them.

use std::time::Duration;

use acp_types::v1;
use serde_json::json;

use super::Translator;
use super::calls::Purpose;
use super::turn::{Phase, cancelled};
use crate::translate::{Answer, Effect, Effects, RequestId, Steered, Timer};

/// Runs while a turn is being stopped.
pub(super) const STOP: Timer = Timer(0);
/// How long Codex may take to end an interrupted turn; it takes some 10 ms.
const INTERRUPT: Duration = Duration::from_secs(10);
/// How long the commands of a stopped turn may take to end.
const CLEAN: Duration = Duration::from_secs(3);
impl Translator {
    /// Stops the turn and whatever runs.
    pub(super) fn stop(&mut self, out: &mut Effects) {
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.phase == Phase::Running) else { return };
        turn.phase = Phase::Stopping;
        let local = turn.id.is_none() && !self.calls.is_starting();
        for (id, _) in std::mem::take(&mut turn.steers) {
            out.answer(id, Ok(Answer::Steer(Steered::Idle)));
        }
        self.drop_asks(out);
        if local {
            return self.end_turn(Ok(v1::StopReason::Cancelled), out);
        }
        self.interrupt(out);
        self.stop_children(out);
        out.push(Effect::Arm { timer: STOP, after: INTERRUPT });
    }

    /// Stops what no prompt has begun: a turn of Codex's own, sub-agents and commands that earlier turns left running.
    pub(super) fn stop_all(&mut self, out: &mut Effects) {
        self.pause_goal(out);
        match &self.turn {
            Some(turn) if turn.prompt.is_none() => self.stop(out),
            // Its prompt is cancelled.
            Some(_) => {}
            None => {
                self.stop_children(out);
                if self.items.runs_command() {
                    self.clean(out);
                }
            }
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.turn.as_ref().is_some_and(|turn| turn.phase != Phase::Running)
    }

    pub(super) fn interrupt(&mut self, out: &mut Effects) {
        let Some(id) = self.turn.as_ref().and_then(|turn| turn.id.as_ref()) else { return };
        let params = json!({ "threadId": self.setup.thread, "turnId": id });
        self.calls.call("turn/interrupt", &params, Purpose::Interrupt, out);
    }

    /// Ends the commands that an interrupt leaves running.
    pub(super) fn clean(&mut self, out: &mut Effects) {
        if let Some(turn) = &mut self.turn {
            turn.phase = Phase::Cleaning;
        }
        self.drop_asks(out);
        let params = json!({ "threadId": self.setup.thread });
        self.calls.call("thread/backgroundTerminals/clean", &params, Purpose::Clean, out);
        out.push(Effect::Arm { timer: STOP, after: CLEAN });
    }

    /// The commands have been told to end.
    pub(super) fn cleaned(&mut self, out: &mut Effects) {
        self.settle(out);
    }

    /// Ends the turn if it was stopped and nothing of it is left.
    pub(super) fn settle(&mut self, out: &mut Effects) {
        let cleaning = self.turn.as_ref().is_none_or(|turn| turn.phase == Phase::Cleaning);
        if !cleaning || self.items.runs_command() || self.calls.is_cleaning() {
            return;
        }
        if self.turn.is_some() {
            self.end_turn(Ok(v1::StopReason::Cancelled), out);
        } else {
            self.closed(out);
        }
    }

    pub(super) fn stop_took_too_long(&mut self, out: &mut Effects) {
        match self.turn.as_ref().map(|turn| turn.phase) {
            Some(Phase::Stopping) => out.push(Effect::Kill),
            Some(Phase::Cleaning) => self.end_turn(Ok(v1::StopReason::Cancelled), out),
            Some(Phase::Running) => self.taken_back(false, out),
            None => self.closed(out),
        }
    }

    /// `session/close`: stops everything, then answers.
    pub(super) fn close(&mut self, id: RequestId, out: &mut Effects) {
        self.closing = Some(id);
        for (waiting, _) in std::mem::take(&mut self.waiting) {
            out.answer(waiting, Ok(cancelled()));
        }
        if self.turn.is_some() {
            self.stop(out);
        } else if self.items.runs_command() {
            self.clean(out);
        } else {
            self.closed(out);
        }
    }

    pub(super) fn closed(&mut self, out: &mut Effects) {
        if let Some(id) = self.closing.take() {
            self.items.close_all(out);
            out.answer(id, Ok(Answer::Done));
        }
    }
}

//! How turns and sessions are stopped.

use std::time::Duration;

use acp_types::v1;
use serde_json::Value;

use super::Session;
use super::controls::Pending;
use super::refusal::FORGET;
use super::tasks::LOOK;
use super::turns::Turn;
use crate::claude::wire::{Control, Lifecycle};
use crate::failure::{Failure, FailureKind};
use crate::translate::{Answer, Effect, Effects, RequestId, Timer};

/// After an interrupt, how long until the program is ended.
const STOP: (Timer, Duration) = (Timer(1), Duration::from_secs(10));
/// How long the program may take to change a setting.
pub(super) const SETTING: (Timer, Duration) = (Timer(2), Duration::from_secs(30));
/// How long a turn may take to end when its session is closed.
const CLOSE: (Timer, Duration) = (Timer(3), Duration::from_secs(3));

impl Session {
    pub(super) fn cancel(&mut self, id: RequestId, out: &mut Effects) {
        if self.turns.take_back(id) {
            out.answer(id, Ok(cancelled()));
        } else if self.turns.running.as_ref().is_some_and(|turn| turn.id == id) {
            self.stop(out);
        }
    }

    /// Stops the turn that runs. It is answered when it has ended.
    pub(super) fn stop(&mut self, out: &mut Effects) {
        let Some(turn) = &mut self.turns.running else { return };
        if std::mem::replace(&mut turn.stopping, true) {
            return;
        }
        self.asks.withdraw_all(out);
        self.controls.send(&Control::Interrupt { cancel_queued: true }, Pending::Interrupt, out);
        out.push(Effect::Arm { timer: STOP.0, after: STOP.1 });
    }

    /// Stops what runs although no prompt is open: a turn that work in the background has begun, and that work.
    pub(super) fn stop_idle(&mut self, out: &mut Effects) {
        if self.gone.is_some() || self.turns.running.is_some() || self.closing.is_some() || self.stopping_idle {
            return;
        }
        self.stopping_idle = true;
        self.asks.withdraw_all(out);
        self.stop_tasks(out);
        self.controls.send(&Control::Interrupt { cancel_queued: true }, Pending::Interrupt, out);
        out.push(Effect::Arm { timer: STOP.0, after: STOP.1 });
    }

    /// Nothing runs any more that such a stop was for.
    pub(super) fn stopped_idle(&mut self, out: &mut Effects) {
        if std::mem::take(&mut self.stopping_idle) {
            self.asks.refuse_orphans(out);
            out.push(Effect::Disarm(STOP.0));
        }
    }

    /// The program has seen the interrupt. A prompt that it had not begun is not stopped by it but taken back.
    pub(super) fn interrupted(&mut self, answer: Option<&Value>, out: &mut Effects) {
        if !self.unprompted {
            self.stopped_idle(out);
        }
        let Some(turn) = self.turns.running.as_ref().filter(|turn| turn.stopping) else { return };
        let lists = |key: &str| {
            let list = answer.and_then(|answer| answer.get(key)).and_then(Value::as_array);
            list.is_some_and(|list| list.iter().any(|uuid| uuid.as_str() == Some(&turn.uuid)))
        };
        if lists("cancelled") {
            self.end(Ok(v1::StopReason::Cancelled), out);
        } else if lists("still_queued") {
            let uuid = turn.uuid.clone();
            self.take_back(uuid, out);
        }
    }

    fn take_back(&mut self, uuid: String, out: &mut Effects) {
        let control = Control::CancelAsyncMessage { message_uuid: uuid.clone() };
        self.controls.send(&control, Pending::TakeBack { uuid }, out);
    }

    /// A prompt was taken back, or was not because it has begun.
    pub(super) fn taken_back(&mut self, uuid: &str, taken: bool, out: &mut Effects) {
        if !self.turns.running.as_ref().is_some_and(|turn| turn.stopping && turn.uuid == uuid) {
            return;
        }
        if taken {
            self.end(Ok(v1::StopReason::Cancelled), out);
        } else {
            self.controls.send(&Control::Interrupt { cancel_queued: true }, Pending::Interrupt, out);
        }
    }

    /// What became of a message.
    pub(super) fn lifecycle(&mut self, lifecycle: &Lifecycle, out: &mut Effects) {
        let Some(turn) = &mut self.turns.running else { return };
        let Lifecycle { command_uuid: uuid, state } = lifecycle;
        match state.as_str() {
            // The interrupt came before it had begun.
            "started" if turn.stopping && turn.uuid == *uuid => {
                self.controls.send(&Control::Interrupt { cancel_queued: true }, Pending::Interrupt, out);
            }
            "cancelled" if turn.stopping && turn.uuid == *uuid => self.end(Ok(v1::StopReason::Cancelled), out),
            "cancelled" if turn.steers.contains(uuid) => {
                turn.steers.retain(|steer| steer != uuid);
                if let (true, Some(reason)) = (turn.steers.is_empty(), turn.ended) {
                    self.conclude(Ok(reason), out);
                }
            }
            _ => {}
        }
    }

    /// A turn is over: messages that were to go into it must not begin turns of their own.
    pub(super) fn forget(&mut self, turn: &Turn, out: &mut Effects) {
        if turn.stopping {
            out.push(Effect::Disarm(STOP.0));
        }
        if turn.refused {
            out.push(Effect::Disarm(FORGET.0));
        }
        for uuid in turn.steers.clone() {
            self.take_back(uuid, out);
        }
    }

    pub(super) fn close(&mut self, id: RequestId, out: &mut Effects) {
        if let Some(before) = self.closing.replace(id) {
            out.answer(before, Ok(Answer::Done));
        }
        for id in self.turns.take_back_all() {
            out.answer(id, Ok(cancelled()));
        }
        if self.turns.running.is_some() {
            self.stop(out);
            out.push(Effect::Arm { timer: CLOSE.0, after: CLOSE.1 });
        } else {
            self.asks.withdraw_all(out);
            self.asks.refuse_orphans(out);
            self.screen.close(out);
        }
        self.closed(out);
    }

    /// Answers the request to close, once nothing runs.
    pub(super) fn closed(&mut self, out: &mut Effects) {
        if self.turns.running.is_none()
            && let Some(id) = self.closing.take()
        {
            out.push(Effect::Disarm(CLOSE.0));
            self.give_up(&Failure::new(FailureKind::Harness, "the session was closed"), out);
            out.answer(id, Ok(Answer::Done));
        }
    }

    fn give_up(&mut self, failure: &Failure, out: &mut Effects) {
        for id in self.controls.give_up() {
            out.answer(id, Err(failure.clone()));
        }
    }

    pub(super) fn fired(&mut self, timer: Timer, out: &mut Effects) {
        if timer == STOP.0 {
            if self.stopping_idle || self.turns.running.as_ref().is_some_and(|turn| turn.stopping) {
                out.push(Effect::Kill);
            }
        } else if timer == LOOK.0 {
            self.look_at_tasks(out);
        } else if timer == SETTING.0 {
            self.give_up(&Failure::new(FailureKind::Harness, "Claude Code did not answer; close the session"), out);
        } else if timer == FORGET.0 {
            self.unforgotten(out);
        } else if timer == CLOSE.0 && self.closing.is_some() {
            self.end(Ok(v1::StopReason::Cancelled), out);
        }
    }

    /// The program is gone.
    pub(super) fn exited(&mut self, failure: Failure, out: &mut Effects) {
        self.asks.withdraw_all(out);
        self.notices.finish(out);
        self.screen.close(out);
        self.gone = Some(failure.clone());
        if let Some(turn) = self.turns.running.take() {
            let answer = if turn.stopping { Ok(cancelled()) } else { Err(failure.clone()) };
            out.answer(turn.id, answer);
        }
        for id in self.turns.take_back_all() {
            out.answer(id, Err(failure.clone()));
        }
        self.give_up(&failure, out);
        self.closed(out);
    }
}

fn cancelled() -> Answer {
    Answer::Prompt(v1::PromptResponse::new(v1::StopReason::Cancelled))
}

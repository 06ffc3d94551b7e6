//! A prompt that the model refused is no part of what it is told next: ACP says so of the stop reason `refusal`.

use std::time::Duration;

use acp_types::v1::StopReason;

use super::Session;
use super::controls::Pending;
use crate::claude::wire::Control;
use crate::failure::Failure;
use crate::translate::{Effect, Effects, Timer};

/// How long the program may take to forget a prompt.
pub(super) const FORGET: (Timer, Duration) = (Timer(4), Duration::from_secs(10));

impl Session {
    /// The turn is over. One that was refused is answered once the program has forgotten it.
    pub(super) fn conclude(&mut self, outcome: Result<StopReason, Failure>, out: &mut Effects) {
        match &mut self.turns.running {
            Some(turn) if outcome == Ok(StopReason::Refusal) && !turn.stopping => {
                turn.refused = true;
                let uuid = turn.uuid.clone();
                let control = Control::RewindConversation { target_message_uuid: uuid.clone() };
                self.controls.send(&control, Pending::Forget { uuid }, out);
                out.push(Effect::Arm { timer: FORGET.0, after: FORGET.1 });
            }
            _ => self.end(outcome, out),
        }
    }

    /// The program has forgotten the prompt, or has not.
    pub(super) fn forgotten(&mut self, uuid: &str, gone: bool, out: &mut Effects) {
        if !self.turns.running.as_ref().is_some_and(|turn| turn.refused && turn.uuid == uuid) {
            return;
        }
        if gone {
            self.end(Ok(StopReason::Refusal), out);
        } else {
            self.unforgotten(out);
        }
    }

    /// The program keeps the prompt. An older one knows no other way.
    pub(super) fn unforgotten(&mut self, out: &mut Effects) {
        if self.turns.running.as_ref().is_some_and(|turn| turn.refused) {
            self.notices.warn("The model refused this prompt, and may still refuse the next because of it.", out);
            self.end(Ok(StopReason::Refusal), out);
        }
    }
}

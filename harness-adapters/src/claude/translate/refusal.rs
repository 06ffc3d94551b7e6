//! A prompt that the model refused is no part of what it is told next: ACP says so of the stop reason `refusal`. Nor is
//! one whose images the provider does not take, or it would refuse all that come after it.

use std::time::Duration;

use acp_types::v1::StopReason;

use super::Session;
use super::controls::Pending;
use crate::claude::wire::Control;
use crate::failure::Failure;
use crate::translate::{Effect, Effects, Timer};

/// How long the program may take to forget a prompt.
pub(super) const FORGET: (Timer, Duration) = (Timer(4), Duration::from_secs(10));
/// The status of a request that the provider cannot read.
const BAD_REQUEST: u64 = 400;

impl Session {
    /// The turn is over. One that was refused is answered once the program has forgotten it.
    pub(super) fn conclude(&mut self, outcome: Result<StopReason, Failure>, out: &mut Effects) {
        let Some(turn) = self.turns.running.as_mut().filter(|turn| !turn.stopping) else {
            return self.end(outcome, out);
        };
        turn.failure = match outcome {
            Ok(StopReason::Refusal) => None,
            Err(failure) if turn.images && failure.data.get("httpStatus") == Some(&BAD_REQUEST.into()) => Some(failure),
            outcome => return self.end(outcome, out),
        };
        turn.refused = true;
        let uuid = turn.uuid.clone();
        let control = Control::RewindConversation { target_message_uuid: uuid.clone() };
        self.controls.send(&control, Pending::Forget { uuid }, out);
        out.push(Effect::Arm { timer: FORGET.0, after: FORGET.1 });
    }

    /// The program has forgotten the prompt, or has not.
    pub(super) fn forgotten(&mut self, uuid: &str, gone: bool, out: &mut Effects) {
        if !self.turns.running.as_ref().is_some_and(|turn| turn.refused && turn.uuid == uuid) {
            return;
        }
        if gone {
            self.refused("; the prompt with its images is taken back and not sent again", out);
        } else {
            self.unforgotten(out);
        }
    }

    /// The program keeps the prompt. An older one knows no other way.
    pub(super) fn unforgotten(&mut self, out: &mut Effects) {
        if self.turns.running.as_ref().is_some_and(|turn| turn.refused) {
            self.notices.warn("The model refused this prompt, and may still refuse the next because of it.", out);
            self.refused("; Claude Code keeps the prompt, and the next may fail because of its images", out);
        }
    }

    fn refused(&mut self, hint: &str, out: &mut Effects) {
        let failure = self.turns.running.as_mut().and_then(|turn| turn.failure.take());
        let outcome = failure.map_or(Ok(StopReason::Refusal), |mut failure| {
            failure.message.push_str(hint);
            Err(failure)
        });
        self.end(outcome, out);
    }
}

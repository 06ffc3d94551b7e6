//! Images and resources of prompts: what cannot be right does not go, and what the provider refuses is not sent again.

use acp_types::v1::{self, ContentBlock, StopReason};
use serde_json::json;

use super::Translator;
use super::calls::Purpose;
use super::stop::STOP;
use crate::content::{self, Screened};
use crate::failure::{Failure, FailureKind};
use crate::translate::{Effect, Effects};

/// An image or resource may have this many bytes.
const MOST: usize = 20 * 1024 * 1024;
/// How long Codex may take to forget a turn.
const REVERT: std::time::Duration = std::time::Duration::from_secs(10);

/// What went with the prompt of the turn that runs.
#[derive(Debug, Default)]
pub(super) struct Contents {
    images: bool,
    /// The model has done something with the prompt, and so has taken it.
    pub(super) taken: bool,
    /// Why the turn failed, while Codex forgets it.
    failure: Option<Failure>,
}

/// Why nothing of a prompt is left.
pub(super) fn refused_whole(prompt: &[ContentBlock]) -> Option<Failure> {
    let Screened { kept, left_out, .. } = content::screen(prompt, MOST);
    (kept.is_empty() && !left_out.is_empty()).then(|| {
        let message = format!("nothing of the prompt can be sent: {}", left_out.join("; "));
        Failure::new(FailureKind::InvalidParams, message)
    })
}

impl Translator {
    /// A prompt as it can go. The client is told what does not.
    pub(super) fn screened(&mut self, prompt: &v1::PromptRequest, out: &mut Effects) -> v1::PromptRequest {
        self.contents = Contents::default();
        let kept = self.screened_blocks(&prompt.prompt, out);
        v1::PromptRequest::new(prompt.session_id.clone(), kept)
    }

    /// The same with what is put into a turn that runs.
    pub(super) fn screened_blocks(&mut self, prompt: &[ContentBlock], out: &mut Effects) -> Vec<ContentBlock> {
        let Screened { kept, left_out, images } = content::screen(prompt, MOST);
        self.contents.images |= images;
        if !left_out.is_empty() {
            self.tell("A part of the prompt was left out", Some(left_out.join("; ")), out);
        }
        kept
    }

    /// Whether the images of the prompt may be why the provider refused it.
    pub(super) fn is_content_refused(&self, bad_request: bool) -> bool {
        bad_request && self.contents.images && !self.contents.taken && !self.setup.replay
    }

    /// Has Codex forget a turn whose prompt the provider refused, or each later one would be refused with it.
    pub(super) fn take_back(&mut self, turn: &str, failure: Failure, out: &mut Effects) {
        self.contents.failure = Some(failure);
        let params = json!({ "threadId": self.setup.thread, "beforeTurnId": turn });
        self.calls.call("thread/revert", &params, Purpose::Revert, out);
        out.push(Effect::Arm { timer: STOP, after: REVERT });
    }

    /// Codex has forgotten the turn, or has not.
    pub(super) fn taken_back(&mut self, gone: bool, out: &mut Effects) {
        let Some(mut failure) = self.contents.failure.take() else { return };
        out.push(Effect::Disarm(STOP));
        failure.message.push_str(if gone {
            "; the prompt with its images is taken back and not sent again"
        } else {
            "; Codex keeps the prompt, and the next may fail because of its images: begin a new session"
        });
        let outcome = if self.is_stopping() { Ok(StopReason::Cancelled) } else { Err(failure) };
        self.end_turn(outcome, out);
    }
}

//! A model that cannot be reached. Codex tries again for ever, in longer and longer intervals; this gives up.

use std::time::Duration;

use super::turn::Phase;
use super::{Translator, errors};
use crate::codex::wire::{ErrorEvent, TurnError};
use crate::failure::Failure;
use crate::translate::{Effect, Effects, Timer};

/// Runs while the model cannot be reached. Its number is beyond those of commands.
pub(super) const UNREACHABLE: Timer = Timer(1_000_000_000);
/// How long Codex may try to reach the model, in seconds, unless the variable says otherwise.
const PATIENCE: u64 = 60;
/// The variable.
const VARIABLE: &str = "ACP_HARNESS_GIVE_UP_SECS";

/// How long Codex may try, by what the environment says; 0 stands for ever.
pub(in crate::codex) fn patience(variable: impl Fn(&str) -> Option<String>) -> u64 {
    let Some(given) = variable(VARIABLE) else { return PATIENCE };
    given.parse().unwrap_or_else(|_| {
        tracing::warn!("{VARIABLE} is no number of seconds; it is taken for {PATIENCE}");
        PATIENCE
    })
}

/// For setups that say nothing of it.
pub(in crate::codex) fn default_patience() -> u64 {
    PATIENCE
}

impl Translator {
    /// Codex has failed at something and tries again.
    pub(super) fn tries_again(&mut self, event: &ErrorEvent, out: &mut Effects) {
        let error = &event.error;
        self.tell(&error.message, error.additional_details.clone(), out);
        // A provider that answers at all is left to Codex, which tries only so often then.
        let answers = error.codex_error_info.as_ref().is_some_and(|info| info.http_status().is_some());
        if !answers && !self.unreachable && self.setup.give_up_secs > 0 {
            self.unreachable = true;
            out.push(Effect::Arm { timer: UNREACHABLE, after: Duration::from_secs(self.setup.give_up_secs) });
        }
    }

    /// The model has said something.
    pub(super) fn reached(&mut self, out: &mut Effects) {
        if std::mem::take(&mut self.unreachable) {
            out.push(Effect::Disarm(UNREACHABLE));
        }
    }

    /// It has been tried long enough.
    pub(super) fn give_up(&mut self, out: &mut Effects) {
        self.unreachable = false;
        let seconds = self.setup.give_up_secs;
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.phase == Phase::Running) else { return };
        turn.gave_up = Some(failure(turn.error.clone().unwrap_or_default(), seconds));
        self.stop(out);
    }
}

fn failure(error: TurnError, seconds: u64) -> Failure {
    let why = error.additional_details.clone().unwrap_or_else(|| error.message.clone());
    let message = format!(
        "the model could not be reached for {seconds} s: {why}; check the network and the address of the model provider, \
         then send the prompt again"
    );
    match errors::outcome(error) {
        Err(mut failure) => {
            failure.message = message;
            failure
        }
        Ok(_) => Failure::new(crate::FailureKind::Model, message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_how_long_is_tried() {
        for (given, expected) in [(None, PATIENCE), (Some("7"), 7), (Some("0"), 0), (Some("soon"), PATIENCE)] {
            assert_eq!(patience(|_| given.map(str::to_owned)), expected);
        }
    }
}

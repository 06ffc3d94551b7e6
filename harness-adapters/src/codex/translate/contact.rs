//! Contact with the model, and a time limit for a model that cannot be reached. Codex itself never stops trying, in
//! longer and longer intervals.

use std::time::Duration;

use super::errors;
use crate::codex::wire::{ErrorEvent, TurnError};
use crate::failure::Failure;
use crate::translate::{Effect, Effects, Timer};

/// Timer that runs while the model cannot be reached. Its number is beyond those of commands.
pub(super) const UNREACHABLE: Timer = Timer(1_000_000_000);
/// Default time limit of Codex's attempts to reach the model, in seconds.
const PATIENCE: u64 = 60;
/// Environment variable with another limit.
const VARIABLE: &str = "ACP_HARNESS_GIVE_UP_SECS";

/// Time limit of Codex's attempts, from the environment; 0 stands for no limit.
pub(crate) fn patience(variable: impl Fn(&str) -> Option<String>) -> u64 {
    let Some(given) = variable(VARIABLE) else { return PATIENCE };
    given.parse().unwrap_or_else(|_| {
        tracing::warn!("{VARIABLE} is no number of seconds; it is taken for {PATIENCE}");
        PATIENCE
    })
}

/// Time limit of a setup without one.
pub(crate) fn default_patience() -> u64 {
    PATIENCE
}

/// Contact with the model.
///
/// ```text
///              tries again
///   Reached ────────────────▶ Lost ── timer ──▶ given up
///      ▲                        │
///      └────────────────────────┘
///        the model answers, or the turn ends
/// ```
#[derive(Debug)]
pub(super) struct Contact {
    lost: bool,
    give_up_secs: u64,
}

impl Contact {
    /// Contact that is given up after these seconds; 0 stands for never.
    pub(super) fn new(give_up_secs: u64) -> Self {
        Self { lost: false, give_up_secs }
    }

    /// Codex has failed at something and tries again.
    pub(super) fn tries_again(&mut self, event: &ErrorEvent, out: &mut Effects) {
        // A provider that answers at all is left to Codex, which tries only so often then.
        let answers = event.error.codex_error_info.as_ref().is_some_and(|info| info.http_status().is_some());
        if !answers && !self.lost && self.give_up_secs > 0 {
            self.lost = true;
            out.push(Effect::Arm { timer: UNREACHABLE, after: Duration::from_secs(self.give_up_secs) });
        }
    }

    /// A notification that may show that the model answers. Commands go on without it.
    pub(super) fn notified(&mut self, method: &str, out: &mut Effects) {
        let is_delta = method.starts_with("item/") && method.ends_with("elta") && !method.contains("command");
        if method == "item/started" || is_delta {
            self.reached(out);
        }
    }

    /// The model has answered, or nobody waits for it any more.
    pub(super) fn reached(&mut self, out: &mut Effects) {
        if std::mem::take(&mut self.lost) {
            out.push(Effect::Disarm(UNREACHABLE));
        }
    }

    /// The time limit is over.
    pub(super) fn gave_up(&mut self) {
        self.lost = false;
    }

    /// The failure of a turn that was given up, from its last error.
    pub(super) fn failure(&self, error: TurnError) -> Failure {
        failure(error, self.give_up_secs)
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

//! Mode and options of an agent that was started again: set as clients chose them, or said to be lost (P14).

use std::collections::VecDeque;
use std::time::Duration;

use acp_types::error::RawError;
use acp_types::record::body::{Choice, ChoicesRestored, LostChoice};
use acp_types::record::{Kind, Origin};
use acp_types::{Raw, RawBuf};

use super::super::state::Claims;
use super::super::{CallId, choice};
use super::cancel::cut;
use super::lane::{Agent, Lane};
use super::recorder::Step;

/// Starts in a row during which the agent may die while it is given what clients chose, before it is started without.
const MAX_DEATHS: u32 = 2;

/// Bytes of an agent's own words in a reason.
const MAX_REASON: usize = 1024;

/// An agent on its way from its start to what clients chose. No prompt and no request of a client goes to it meanwhile.
#[derive(Debug)]
pub(super) struct Restore {
    /// What is still to be set, first to be set first.
    left: VecDeque<Choice>,
    /// What is being set.
    now: Option<(CallId, Choice)>,
    set: Vec<Choice>,
    lost: Vec<LostChoice>,
    /// What clients were last told.
    told: Claims,
    /// What was undone by what was set later may be set once more.
    once_more: bool,
    pub(super) deadline: u64,
}

impl Lane {
    /// Whether the agent may be given prompts and requests.
    pub(super) fn is_ready(&self) -> bool {
        self.agent == Agent::Alive && self.restore.is_none()
    }

    /// Begins to give an agent that was started again what clients chose, if its own answer does not show that to be in
    /// force already.
    pub(super) fn begin_restore(&mut self, step: &mut Step<'_>) {
        let Some(logged) = self.logged(step.state()) else { return };
        let settings = logged.settings();
        let Some(told) = settings.claims().cloned() else { return };
        // A mode that nobody chose is put back too: an agent that is started in a laxer one must not stay there unseen.
        let chosen = logged.choices().any(|made| settings.is_about_mode(made));
        let differs = settings.mode_in_force().is_some_and(|mode| Some(mode) != told.mode.as_deref());
        let unchosen = told.mode.as_deref().filter(|_| !chosen && differs).and_then(choice::of_mode);
        let left: VecDeque<Choice> = unchosen.into_iter().chain(logged.choices().cloned()).collect();
        let deadline = after(step.at, step.config().restore_grace);
        let restore = Restore { left, now: None, set: Vec::new(), lost: Vec::new(), told, once_more: true, deadline };
        self.restore = Some(Box::new(restore));
        self.restore_next(step);
    }

    /// Sets the next thing, or ends when there is none.
    fn restore_next(&mut self, step: &mut Step<'_>) {
        while let Some(restore) = &mut self.restore {
            let Some(made) = restore.left.pop_front() else {
                if !self.restore_once_more(step) {
                    return self.end_restore(step);
                }
                continue;
            };
            if self.in_force(step, &made) == Some(true) {
                continue;
            }
            let call = self.send_choice(step, &made);
            if let Some(restore) = &mut self.restore {
                restore.now = Some((call, made));
            }
            return;
        }
    }

    /// What was set first may have been undone by what was set later: it gets one more try.
    fn restore_once_more(&mut self, step: &Step<'_>) -> bool {
        let undone = self.not_in_force(step);
        let Some(restore) = &mut self.restore else { return false };
        let again = std::mem::replace(&mut restore.once_more, false) && !undone.is_empty() && !restore.set.is_empty();
        if again {
            restore.left.extend(undone);
        }
        again
    }

    /// What was chosen, is not known to be lost, and is not in force by the agent's own word.
    fn not_in_force(&self, step: &Step<'_>) -> Vec<Choice> {
        let (Some(restore), Some(logged)) = (&self.restore, self.logged(step.state())) else { return Vec::new() };
        let is_lost = |made: &Choice| restore.lost.iter().any(|lost| lost.choice == *made);
        let others = logged.choices().filter(|made| logged.settings().in_force(made) == Some(false));
        others.filter(|made| !is_lost(made)).cloned().collect()
    }

    fn in_force(&self, step: &Step<'_>, made: &Choice) -> Option<bool> {
        self.logged(step.state())?.settings().in_force(made)
    }

    /// The agent has answered that something was set again, or that it was not.
    pub(super) fn choice_answered(
        &mut self,
        step: &mut Step<'_>,
        call: CallId,
        made: Choice,
        outcome: &Result<RawBuf, RawBuf>,
    ) {
        let is_next =
            self.restore.as_ref().is_some_and(|restore| restore.now.as_ref().is_some_and(|now| now.0 == call));
        if !is_next {
            // It was given up, and clients were told so. If it has worked after all they are told that.
            if let Ok(result) = outcome {
                self.chosen(step, &Origin::Host, Some(made), result.as_raw());
            }
            return;
        }
        if let Ok(result) = outcome {
            self.set_again(step, &made, result.as_raw());
        }
        if let Some(restore) = &mut self.restore {
            restore.now = None;
            match outcome {
                Ok(_) => restore.set.push(made),
                Err(error) => restore.lost.push(LostChoice { choice: made, reason: refused(error) }),
            }
        }
        self.restore_next(step);
    }

    /// Records what is in force after something was set again.
    fn set_again(&self, step: &mut Step<'_>, made: &Choice, result: Raw<'_>) {
        let updated = self.change_of(step, made, result);
        if updated.mode.is_some() || updated.config_options.is_some() {
            self.record(step, Kind::SessionUpdated, Origin::Host, None, &updated);
        }
    }

    /// The agent has told clients its mode or options while it was given what they chose.
    pub(super) fn told_while_restoring(&mut self, mode: Option<&str>, options: Option<Raw<'_>>) {
        let Some(restore) = &mut self.restore else { return };
        if let Some(mode) = mode {
            restore.told.mode = Some(mode.to_owned());
        }
        if let Some(options) = options {
            restore.told.config_options = Some(options.to_owned());
        }
    }

    /// All is set or lost: clients are told what is in force where they know it otherwise, and whoever waits goes on.
    fn end_restore(&mut self, step: &mut Step<'_>) {
        for choice in self.not_in_force(step) {
            let reason = "the agent took it, but says that something else is in force".to_owned();
            if let Some(restore) = &mut self.restore {
                restore.lost.push(LostChoice { choice, reason });
            }
        }
        let Some(restore) = self.restore.take() else { return };
        let Restore { set, lost, told, .. } = *restore;
        self.deaths = 0;
        let restored = ChoicesRestored { set, lost };
        self.record(step, Kind::ChoicesRestored, Origin::Host, None, &restored);
        self.tell_restored(step, &told, &restored.lost);
        self.pass_waiting(step);
        self.advance(step);
    }

    /// The agent has not answered in time: it goes on with what it has.
    pub(super) fn tick_restore(&mut self, step: &mut Step<'_>) {
        let seconds = step.config().restore_grace.as_secs_f64();
        let Some(restore) = self.restore.as_mut().filter(|restore| step.at >= restore.deadline) else { return };
        let reason = format!("the agent did not answer within {seconds} s when it was to set it again");
        let now = restore.now.take().map(|(_, made)| made);
        let left: Vec<Choice> = now.into_iter().chain(std::mem::take(&mut restore.left)).collect();
        for choice in left {
            if self.in_force(step, &choice) != Some(true)
                && let Some(restore) = &mut self.restore
            {
                restore.lost.push(LostChoice { choice, reason: reason.clone() });
            }
        }
        self.end_restore(step);
    }

    /// The agent has gone, and that is recorded. One that dies again and again while it is given what clients chose is
    /// started without it; returns whether it was being given that.
    pub(super) fn died_while_restoring(&mut self, step: &mut Step<'_>, why: &str) -> bool {
        let Some(restore) = self.restore.take() else { return false };
        self.deaths += 1;
        if self.deaths >= MAX_DEATHS {
            self.deaths = 0;
            let reason = format!("the agent exited when it was to set it again: {}", cut(why, MAX_REASON));
            let now = restore.now.map(|(_, made)| made);
            let left = restore.left.into_iter().filter(|made| self.in_force(step, made) != Some(true));
            let left: Vec<Choice> = now.into_iter().chain(left).collect();
            let lost = restore.lost.into_iter();
            let lost =
                lost.chain(left.into_iter().map(|choice| LostChoice { choice, reason: reason.clone() })).collect();
            let restored = ChoicesRestored { set: Vec::new(), lost };
            self.record(step, Kind::ChoicesRestored, Origin::Host, None, &restored);
            self.tell_lost(step, &restored.lost);
        }
        true
    }
}

pub(super) fn after(now: u64, time: Duration) -> u64 {
    now.saturating_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

/// An agent's refusal in one sentence.
fn refused(error: &RawBuf) -> String {
    let message = RawError::new(error.clone()).ok().map(|error| error.message().into_owned());
    format!("the agent refused it: {}", cut(message.as_deref().unwrap_or("with an error that is none"), MAX_REASON))
}

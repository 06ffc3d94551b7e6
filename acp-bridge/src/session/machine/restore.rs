//! Mode and options of an agent that was started again: set as clients chose them, or said to be lost (P14).

use std::collections::VecDeque;

use acp_types::RawBuf;
use acp_types::error::RawError;
use acp_types::record::body::{Choice, ChoicesRestored, LostChoice};

use super::super::state::Claims;
use super::super::wire::cut;
use super::super::{CallId, LaneState, choice};
use super::announce::Told;

/// Bytes of an agent's own words in a reason.
const MAX_REASON: usize = 1024;

/// Restore of what clients chose to an agent that was started again, one choice after the other.
///
/// ```text
///             next                 answered, with a result
///   left ───────────────▶ now ─────────────────────────────▶ set
///    ▲ │                   │  answered with an error, no time left, agent gone
///    │ │ in force already  └───────────────────────────────▶ lost
///    │ ▼                                                       ▲
///    │ (done)      set, but not in force when all are through: │ the second time
///    └──────────────────────── the first time ─────────────────┘
/// ```
#[derive(Debug)]
pub(super) struct Restore {
    /// Choices still to be set, first to be set first.
    left: VecDeque<Choice>,
    /// Choice that is being set.
    now: Option<(CallId, Choice)>,
    set: Vec<Choice>,
    lost: Vec<LostChoice>,
    /// Values that clients were last told.
    told: Claims,
    /// True if what was undone by what was set later may be set once more.
    once_more: bool,
    deadline: u64,
}

impl Restore {
    /// Restore for the lane's agent, which has just started; nothing if its own answer shows all to be in force
    /// already.
    pub(super) fn needed(logged: &LaneState, deadline: u64) -> Option<Self> {
        let settings = logged.settings();
        let told = settings.claims().cloned()?;
        // A mode that nobody chose is put back too: an agent that is started in a laxer one must not stay there unseen.
        let chosen = logged.choices().any(|made| settings.is_about_mode(made));
        let differs = settings.mode_in_force().is_some_and(|mode| Some(mode) != told.mode.as_deref());
        let unchosen = told.mode.as_deref().filter(|_| !chosen && differs).and_then(choice::of_mode);
        let left: VecDeque<Choice> = unchosen.into_iter().chain(logged.choices().cloned()).collect();
        Some(Self { left, now: None, set: Vec::new(), lost: Vec::new(), told, once_more: true, deadline })
    }

    /// Time at which the agent goes on with what it has.
    pub(super) fn deadline(&self) -> u64 {
        self.deadline
    }

    /// Takes the choice that is to be set next; nothing when all is set or lost.
    pub(super) fn next(&mut self, logged: &LaneState) -> Option<Choice> {
        loop {
            match self.left.pop_front() {
                Some(made) if logged.settings().in_force(&made) == Some(true) => {}
                Some(made) => return Some(made),
                None if self.begin_once_more(logged) => {}
                None => return None,
            }
        }
    }

    /// The agent was asked to set that.
    pub(super) fn asked(&mut self, call: CallId, made: Choice) {
        self.now = Some((call, made));
    }

    /// Returns whether that call is the one that it waits for.
    pub(super) fn waits_for(&self, call: CallId) -> bool {
        self.now.as_ref().is_some_and(|now| now.0 == call)
    }

    /// The agent has set what it was asked to, or has refused to.
    pub(super) fn answered(&mut self, outcome: &Result<RawBuf, RawBuf>) {
        let Some((_, made)) = self.now.take() else { return };
        match outcome {
            Ok(_) => self.set.push(made),
            Err(error) => self.lost.push(LostChoice { choice: made, reason: refused(error) }),
        }
    }

    /// The agent has told clients its mode or options meanwhile.
    pub(super) fn told(&mut self, told: &Told<'_>) {
        match told {
            Told::Mode(mode) => self.told.mode = Some(mode.to_string()),
            Told::Options(options) => self.told.config_options = Some((*options).to_owned()),
            Told::Title(_) => {}
        }
    }

    /// The agent has not answered in time: what is not in force is lost.
    pub(super) fn give_up(&mut self, logged: &LaneState, reason: &str) {
        let now = self.now.take().map(|(_, made)| made);
        for made in now.into_iter().chain(std::mem::take(&mut self.left)) {
            if logged.settings().in_force(&made) != Some(true) {
                self.lost.push(LostChoice { choice: made, reason: reason.to_owned() });
            }
        }
    }

    /// Result, when all is set or lost: what the log is told, and what clients were last told.
    pub(super) fn finish(mut self, logged: &LaneState) -> (ChoicesRestored, Claims) {
        for choice in self.not_in_force(logged) {
            let reason = "the agent took it, but says that something else is in force".to_owned();
            self.lost.push(LostChoice { choice, reason });
        }
        (ChoicesRestored { set: self.set, lost: self.lost }, self.told)
    }

    /// The agent has gone, and the next one is to be started without what was not set yet.
    pub(super) fn abandon(self, logged: &LaneState, why: &str) -> ChoicesRestored {
        let reason = format!("the agent exited when it was to set it again: {}", cut(why, MAX_REASON));
        let now = self.now.map(|(_, made)| made);
        let left = self.left.into_iter().filter(|made| logged.settings().in_force(made) != Some(true));
        let left = now.into_iter().chain(left).map(|choice| LostChoice { choice, reason: reason.clone() });
        ChoicesRestored { set: Vec::new(), lost: self.lost.into_iter().chain(left).collect() }
    }

    /// Tries once more what was set first and may have been undone by what was set later.
    fn begin_once_more(&mut self, logged: &LaneState) -> bool {
        let undone = self.not_in_force(logged);
        let again = std::mem::replace(&mut self.once_more, false) && !undone.is_empty() && !self.set.is_empty();
        if again {
            self.left.extend(undone);
        }
        again
    }

    /// Choices that are not known to be lost, and are not in force by the agent's own word.
    fn not_in_force(&self, logged: &LaneState) -> Vec<Choice> {
        let is_lost = |made: &Choice| self.lost.iter().any(|lost| lost.choice == *made);
        let others = logged.choices().filter(|made| logged.settings().in_force(made) == Some(false));
        others.filter(|made| !is_lost(made)).cloned().collect()
    }
}

/// An agent's refusal in one sentence.
fn refused(error: &RawBuf) -> String {
    let message = RawError::new(error.clone()).ok().map(|error| error.message().into_owned());
    format!("the agent refused it: {}", cut(message.as_deref().unwrap_or("with an error that is none"), MAX_REASON))
}

//! One requirement of the catalogue as a question to a history.

use crate::core::catalogue::{self, Level, Requirement};
use crate::core::history::{Case, Event, What};
use crate::core::verdict::Outcome;

/// A check. It asks the history and nothing else, so it gives the same answer to a recorded run.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "written as a constant next to the scenario that it asks about")]
pub struct Check {
    /// Id of the requirement, with a letter behind a slash where a requirement has several checks.
    pub id: &'static str,
    /// The question.
    pub judge: fn(&Case<'_>) -> Outcome,
}

impl Check {
    /// A check of the requirement `id`.
    #[must_use]
    pub const fn new(id: &'static str, judge: fn(&Case<'_>) -> Outcome) -> Self {
        Self { id, judge }
    }

    /// The requirement. Tests see to it that every check has one.
    #[must_use]
    pub fn requirement(&self) -> Option<&'static Requirement> {
        catalogue::find(self.id)
    }

    /// Its level.
    #[must_use]
    pub fn level(&self) -> Level {
        self.requirement().map_or(Level::Derived, |requirement| requirement.level)
    }

    /// Returns whether `selector` names it: its own id, its requirement's, or the beginning of that.
    #[must_use]
    pub fn is_selected_by(&self, selector: &str) -> bool {
        self.id == selector || self.requirement().is_some_and(|requirement| requirement.is_selected_by(selector))
    }
}

/// The call under `label`, or why the check cannot be made.
macro_rules! call {
    ($case:expr, $label:expr) => {
        match $case.call($label) {
            Some(call) => call,
            None => return $crate::core::verdict::Outcome::NotExercised($case.why_not($label)),
        }
    };
}

/// The agent's capability at this path, or that the check does not concern it.
macro_rules! needs {
    ($case:expr, $($name:literal).+) => {
        match $case.capability(&[$($name),+]) {
            Some(value) => value,
            None => {
                let path = [$($name),+].join(".");
                return $crate::core::verdict::Outcome::NotApplicable(format!("the agent does not have {path}"));
            }
        }
    };
}

pub(crate) use {call, needs};

/// The call was answered with a result.
pub(crate) fn succeeds(case: &Case<'_>, label: &str) -> Outcome {
    let call = call!(case, label);
    Outcome::pass_if(call.result().is_some(), || Outcome::broken("a result", call.said(), call.places()))
}

/// The call was answered with an error, whatever its code.
pub(crate) fn fails(case: &Case<'_>, label: &str) -> Outcome {
    let call = call!(case, label);
    Outcome::pass_if(call.error().is_some(), || Outcome::broken("an error", call.said(), call.places()))
}

/// The call was answered with an error. Another code than `code` is doubtful only: codes are recommendations in v1.
pub(crate) fn fails_with(case: &Case<'_>, label: &str, code: i64) -> Outcome {
    let call = call!(case, label);
    match call.code() {
        Some(found) if found == code => Outcome::Pass,
        Some(_) => Outcome::doubtful(format!("an error with code {code}"), call.said(), call.places()),
        None => Outcome::broken(format!("an error with code {code}"), call.said(), call.places()),
    }
}

/// The calls were answered at all.
pub(crate) fn answered(case: &Case<'_>, label: &str) -> Outcome {
    let call = call!(case, label);
    Outcome::pass_if(call.answer.is_some(), || Outcome::broken("an answer", "none came", call.places()))
}

/// The gravest of several questions, each of which has to be asked: a part that was not exercised is not made good by
/// one that was.
pub(crate) fn all(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
    let both = |one: Outcome, other: Outcome| match (&one, &other) {
        (Outcome::NotExercised(_), Outcome::Pass) => one,
        (Outcome::Pass, Outcome::NotExercised(_)) => other,
        _ => one.and(other),
    };
    outcomes.into_iter().reduce(both).unwrap_or_else(|| Outcome::NotExercised("nothing was asked".to_owned()))
}

/// The code of what needs a login first (ERR-10): it says nothing of anything else.
pub(crate) const LOGIN: i64 = -32000;

/// Codes that are about the request or its session, and not about what the model made of it.
const REFUSALS: [i64; 4] = [-32002, -32600, -32601, -32602];

/// The prompt was taken and its turn ended. An error that is about the session or the request says that it was not; any
/// other may be the model's (AMB-28), unless the model is ours.
pub(crate) fn has_a_turn(case: &Case<'_>, label: &str) -> Outcome {
    let call = call!(case, label);
    match call.code() {
        Some(code) if REFUSALS.contains(&code) || case.is_scripted() => {
            Outcome::broken("a turn", call.said(), call.places())
        }
        Some(_) => Outcome::NotExercised(format!("the turn ended with {}", call.said())),
        None if call.result().is_some_and(|result| result["stopReason"].is_string()) => Outcome::Pass,
        None => Outcome::broken("a result with a stopReason", call.said(), call.places()),
    }
}

/// The request `after`, which comes behind what was sent as `sent`, was answered. That it could not be sent any more,
/// because the subject went away before anything else was sent, is as bad.
pub(crate) fn lives_on(case: &Case<'_>, label: &str, after: &str) -> Outcome {
    let Some(sent) = case.labelled(label) else { return Outcome::NotExercised(case.why_not(label)) };
    if case.labelled(after).is_some() {
        return answered(case, after);
    }
    let next = case.sent().find(|message| message.index > sent.index && message.label.is_some());
    let until = case.quiet(label).or(next.map(|next| next.index)).unwrap_or(usize::MAX);
    let ends = |event: &Event| event.on == sent.on && matches!(event.what, What::OutputClosed | What::Exited { .. });
    let mut later = case.history().events.iter().enumerate().take(until).skip(sent.index);
    match later.find(|(_, event)| ends(event)) {
        Some((end, _)) => Outcome::broken("an agent that goes on", "it was gone", vec![sent.index, end]),
        None => Outcome::NotExercised(case.why_not(after)),
    }
}

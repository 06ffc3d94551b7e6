//! Helpers that ask each message of a history.

use serde_json::Value;

use crate::core::history::{Case, Message};
use crate::core::verdict::Outcome;

/// Asks every message of the subject that `about` picks; passes if there was one and none is wrong.
pub(crate) fn each<'c>(
    case: &'c Case<'_>,
    about: impl Fn(&'c Message) -> bool,
    mut fault: impl FnMut(&'c Message) -> Option<Outcome>,
) -> Outcome {
    let mut seen = false;
    for message in case.received().filter(|message| about(message)) {
        seen = true;
        if let Some(outcome) = fault(message) {
            return outcome;
        }
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised("there was no such message".to_owned()) }
}

/// Asks every update of these kinds.
pub(crate) fn each_update<'c>(
    case: &'c Case<'_>,
    kinds: &[&str],
    mut fault: impl FnMut(&'c Message, &'c Value) -> Option<Outcome>,
) -> Outcome {
    let about = |message: &Message| message.update_kind().is_some_and(|kind| kinds.contains(&kind));
    each(case, about, |message| fault(message, message.update()?))
}

/// The session that a message is about, by connection.
pub(crate) fn session_of(message: &Message) -> (u32, &str) {
    (message.on, message.params().and_then(|params| params["sessionId"].as_str()).unwrap_or_default())
}

/// The members of an array; none of anything else.
pub(crate) fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Returns whether a path is absolute, on any system.
pub(crate) fn is_absolute(path: &str) -> bool {
    let windows = path.get(1..3).is_some_and(|drive| drive == ":\\" || drive == ":/") || path.starts_with("\\\\");
    path.starts_with('/') || windows
}

//! Compactions of the context.

use std::collections::HashMap;

use super::{each_update, session_of};
use crate::history::{Case, Message, brief};
use crate::verdict::Outcome;

pub(super) fn updates_are_whole(case: &Case<'_>) -> Outcome {
    each_update(case, &["compaction_update"], |message, update| {
        let good = update["compactionId"].is_string() && update["status"].is_string();
        (!good).then(|| Outcome::broken("a compactionId and a status", brief(update), vec![message.index]))
    })
}

/// Whether a status is one of the ends.
fn ends(message: &Message) -> bool {
    let status = message.update().and_then(|update| update["status"].as_str());
    matches!(status, Some("completed" | "failed" | "cancelled"))
}

/// A compaction by its session and id.
fn named(message: &Message) -> Option<((u32, &str), &str)> {
    let kind = message.update_kind()?;
    let id = message.update()?["compactionId"].as_str()?;
    kind.starts_with("compaction_").then(|| (session_of(message), id))
}

/// One that is still open when its turn has ended was forgotten; its session may have been replaced by then.
pub(super) fn each_ends_once(case: &Case<'_>) -> Outcome {
    let mut ended: HashMap<_, Vec<usize>> = HashMap::new();
    let mut begun: HashMap<_, usize> = HashMap::new();
    for message in case.received() {
        let Some(name) = named(message) else { continue };
        begun.entry(name).or_insert(message.index);
        if ends(message) {
            ended.entry(name).or_default().push(message.index);
        }
    }
    if begun.is_empty() {
        return Outcome::NotExercised("nothing was compacted".to_owned());
    }
    for (name, first) in begun {
        match ended.get(&name).map(Vec::as_slice) {
            Some([_]) => {}
            Some([one, two, ..]) => return Outcome::broken("one end", "two", vec![*one, *two]),
            _ if answered_after(case, first) => return Outcome::broken("an end of it", "none", vec![first]),
            _ => {}
        }
    }
    Outcome::Pass
}

/// Whether a turn ended behind this place.
fn answered_after(case: &Case<'_>, place: usize) -> bool {
    let prompts = case.sent().filter(|message| message.requests("session/prompt"));
    prompts
        .filter_map(|prompt| case.call_of(prompt))
        .any(|call| call.request.index < place && call.answer.is_some_and(|answer| answer.index > place))
}

/// Which of update and chunk comes first is open (AMB-39).
pub(super) fn nothing_comes_after_the_end(case: &Case<'_>) -> Outcome {
    let mut ended: HashMap<_, usize> = HashMap::new();
    let mut seen = false;
    for message in case.received() {
        let Some(name) = named(message) else { continue };
        seen = true;
        if let Some(end) = ended.get(&name)
            && (message.update_kind() == Some("compaction_summary_chunk") || !ends(message))
        {
            let actual = format!("{} is used after its end", name.1);
            return Outcome::doubtful("an id of its own for each compaction", actual, vec![*end, message.index]);
        }
        if ends(message) {
            ended.insert(name, message.index);
        }
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised("nothing was compacted".to_owned()) }
}

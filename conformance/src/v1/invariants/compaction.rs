//! Compactions of the context.

use std::collections::HashMap;

use serde_json::Value;

use crate::core::each::{each_update, session_of};
use crate::core::history::{Case, Message, brief};
use crate::core::verdict::Outcome;

pub(super) fn updates_are_whole(case: &Case<'_>) -> Outcome {
    each_update(case, &["compaction_update"], |message, update| {
        let good = update["compactionId"].is_string() && update["status"].is_string();
        (!good).then(|| Outcome::broken("a compactionId and a status", brief(update), vec![message.index]))
    })
}

/// Returns whether a status is one of the ends.
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

/// An update of one that has ended may tell its end again. One that is still open when its turn has ended may go on
/// behind it.
pub(super) fn each_ends_once(case: &Case<'_>) -> Outcome {
    let mut ended: HashMap<_, (usize, &Value)> = HashMap::new();
    let mut begun: HashMap<_, usize> = HashMap::new();
    for message in case.received() {
        let Some(name) = named(message) else { continue };
        begun.entry(name).or_insert(message.index);
        let Some(status) = message.update().map(|update| &update["status"]).filter(|_| ends(message)) else { continue };
        let (first, known) = *ended.entry(name).or_insert((message.index, status));
        if known != status {
            let actual = format!("{known} and then {status}");
            return Outcome::broken("one end", actual, vec![first, message.index]);
        }
    }
    let open = begun.iter().filter(|(name, first)| !ended.contains_key(*name) && answered_after(case, **first));
    match open.map(|(_, first)| *first).min() {
        Some(first) => Outcome::doubtful("an end of it", "none", vec![first]),
        None if begun.is_empty() => Outcome::NotExercised("nothing was compacted".to_owned()),
        None => Outcome::Pass,
    }
}

/// Returns whether a turn ended behind this place.
fn answered_after(case: &Case<'_>, place: usize) -> bool {
    let prompts = case.sent().filter(|message| message.requests("session/prompt"));
    prompts
        .filter_map(|prompt| case.call_of(prompt))
        .any(|call| call.request.index < place && call.answer.is_some_and(|answer| answer.index > place))
}

/// Nothing comes after the end. The order of update and chunk is open (AMB-39).
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

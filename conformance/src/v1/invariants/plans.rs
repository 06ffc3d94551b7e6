//! Plans with an id.

use std::collections::HashMap;

use super::paths::absolute;
use crate::core::each::{each, items, session_of};
use crate::core::history::{Case, Message, brief};
use crate::core::verdict::Outcome;

fn is_of(message: &Message, kind: &str) -> bool {
    message.update_kind() == Some("plan_update")
        && message.update().is_some_and(|update| update["plan"]["type"] == kind)
}

pub(super) fn paths_are_absolute(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| {
            is_of(message, "markdown") && message.update().is_some_and(|update| !update["plan"]["path"].is_null())
        },
        |message| {
            let path = &message.update()?["plan"]["path"];
            (!absolute(path)).then(|| Outcome::broken("an absolute path", brief(path), vec![message.index]))
        },
    )
}

/// A plan may grow while it is made. One that shrinks is likely to be just what changed.
pub(super) fn every_update_is_complete(case: &Case<'_>) -> Outcome {
    let mut known: HashMap<(u32, &str, &str), (usize, usize)> = HashMap::new();
    each(
        case,
        |message| is_of(message, "items"),
        |message| {
            let plan = &message.update()?["plan"];
            let (on, session) = session_of(message);
            let entries = items(&plan["entries"]).len();
            let before = known.insert((on, session, plan["planId"].as_str()?), (message.index, entries));
            let (place, many) = before.filter(|(_, many)| entries < *many)?;
            let (expected, actual) = (format!("a plan with all {many} steps"), format!("one with {entries}"));
            Some(Outcome::doubtful(expected, actual, vec![place, message.index]))
        },
    )
}

//! Session cursors.

use std::collections::HashMap;

use serde_json::Value;

use crate::core::each::{each_update, session_of};
use crate::core::history::{Case, Message, brief};
use crate::core::verdict::Outcome;

/// The updates of each cursor; `fault` is given the anchor that is known, if any.
fn updates<'c>(
    case: &'c Case<'_>,
    mut fault: impl FnMut(&'c Message, Option<(usize, &'c Value)>, &'c Value) -> Option<Outcome>,
) -> Outcome {
    let mut anchors: HashMap<(u32, &str, &str), (usize, &Value)> = HashMap::new();
    each_update(case, &["cursor_update"], |message, update| {
        let (on, session) = session_of(message);
        let place = (on, session, update["cursorId"].as_str().unwrap_or_default());
        if let Some(outcome) = fault(message, anchors.get(&place).copied(), &update["anchor"]) {
            return Some(outcome);
        }
        if !update["anchor"].is_null() {
            anchors.entry(place).or_insert((message.index, &update["anchor"]));
        }
        None
    })
}

pub(super) fn new_ones_have_an_anchor(case: &Case<'_>) -> Outcome {
    updates(case, |message, known, anchor| {
        (known.is_none() && anchor.is_null())
            .then(|| Outcome::broken("an anchor in the first update of a cursor", "none", vec![message.index]))
    })
}

pub(super) fn anchors_stay(case: &Case<'_>) -> Outcome {
    updates(case, |message, known, anchor| {
        let (place, before) = known?;
        (!anchor.is_null() && anchor != before).then(|| {
            let expected = format!("the anchor {}", brief(before));
            Outcome::broken(expected, brief(anchor), vec![place, message.index])
        })
    })
}

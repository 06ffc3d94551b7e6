//! Tool calls, permission requests and plans.

use std::collections::HashSet;

use crate::core::each::{each, each_update, items, session_of};
use crate::core::history::{Case, brief};
use crate::core::verdict::Outcome;

pub(super) fn calls_are_made_by_updates(case: &Case<'_>) -> Outcome {
    let mut known: HashSet<((u32, &str), &str)> = HashSet::new();
    let mut untitled = None;
    let asked = each_update(case, &["tool_call", "tool_call_update"], |message, update| {
        if message.update_kind() == Some("tool_call") {
            let expected = "tool_call_update, which makes a call that is not known";
            return Some(Outcome::broken(expected, "tool_call", vec![message.index]));
        }
        let Some(id) = update["toolCallId"].as_str() else {
            return Some(Outcome::broken("a toolCallId", brief(update), vec![message.index]));
        };
        if known.insert((session_of(message), id)) && !update["title"].is_string() {
            untitled.get_or_insert(message.index);
        }
        None
    });
    // The title is a recommendation.
    match untitled {
        Some(place) => {
            asked.and(Outcome::doubtful("a title with the first update of a tool call", "none", vec![place]))
        }
        None => asked,
    }
}

pub(super) fn permission_requests_have_a_title(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| message.requests("session/request_permission"),
        |message| {
            let params = message.params()?;
            (!params["title"].is_string()).then(|| Outcome::broken("a title", brief(params), vec![message.index]))
        },
    )
}

pub(super) fn plans_are_whole(case: &Case<'_>) -> Outcome {
    each_update(case, &["plan", "plan_update"], |message, update| {
        if message.update_kind() == Some("plan") {
            return Some(Outcome::broken("plan_update", "plan", vec![message.index]));
        }
        let plan = &update["plan"];
        let text = |entry: &serde_json::Value| ["content", "priority", "status"].iter().all(|m| entry[m].is_string());
        let listed =
            plan["type"] != "items" || (plan["entries"].is_array() && items(&plan["entries"]).iter().all(text));
        (!plan["planId"].is_string() || !listed).then(|| {
            let expected = "a planId, and entries with content, priority and status";
            Outcome::broken(expected, brief(plan), vec![message.index])
        })
    })
}

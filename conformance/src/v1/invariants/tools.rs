//! Tool calls and their states.

use std::collections::HashMap;

use serde_json::Value;

use super::turns::is_final;
use crate::core::each::{each_update, items, session_of};
use crate::core::history::{Case, Message, brief};
use crate::core::verdict::Outcome;

const BOTH: [&str; 2] = ["tool_call", "tool_call_update"];
const KINDS: [&str; 10] =
    ["read", "edit", "delete", "move", "search", "execute", "think", "fetch", "switch_mode", "other"];
const STATUSES: [&str; 4] = ["pending", "in_progress", "completed", "failed"];

pub(super) fn calls_have_id_and_title(case: &Case<'_>) -> Outcome {
    each_update(case, &["tool_call"], |message, call| {
        let good = call["toolCallId"].is_string() && call["title"].is_string();
        (!good).then(|| Outcome::broken("toolCallId and title", brief(call), vec![message.index]))
    })
}

fn one_of(case: &Case<'_>, member: &str, known: &[&str]) -> Outcome {
    each_update(case, &BOTH, |message, call| {
        let value = &call[member];
        let good = value.is_null() || value.as_str().is_some_and(|value| known.contains(&value));
        (!good).then(|| Outcome::broken(format!("one of {}", known.join(", ")), brief(value), vec![message.index]))
    })
}

pub(super) fn kinds_are_known(case: &Case<'_>) -> Outcome {
    one_of(case, "kind", &KINDS)
}

pub(super) fn statuses_are_known(case: &Case<'_>) -> Outcome {
    one_of(case, "status", &STATUSES)
}

pub(super) fn updates_have_an_id(case: &Case<'_>) -> Outcome {
    each_update(case, &["tool_call_update"], |message, call| {
        let good = call["toolCallId"].is_string();
        (!good).then(|| Outcome::broken("a toolCallId", brief(call), vec![message.index]))
    })
}

pub(super) fn content_is_of_a_known_kind(case: &Case<'_>) -> Outcome {
    let mut seen = false;
    let found = each_update(case, &BOTH, |message, call| {
        let contents = items(&call["content"]);
        seen |= !contents.is_empty();
        let whole = |content: &&Value| match content["type"].as_str() {
            Some("content") => content["content"].is_object(),
            Some("diff") => content["path"].is_string(),
            Some("terminal") => content["terminalId"].is_string(),
            Some("session") => content["sessionId"].is_string(),
            _ => false,
        };
        let bad = contents.iter().find(|content| !whole(content))?;
        Some(Outcome::broken("content, a diff, a terminal or a session", brief(bad), vec![message.index]))
    });
    if found == Outcome::Pass && !seen { Outcome::NotExercised("no tool call has content".to_owned()) } else { found }
}

/// State of a call: whether a `tool_call` reported it, and where it last got which status.
type State<'c> = (bool, Option<(usize, &'c Value)>);

/// Calls of each session, as known while its messages pass.
#[derive(Default)]
struct Calls<'c> {
    /// By connection, session and id.
    known: HashMap<(u32, &'c str, &'c str), State<'c>>,
}

impl<'c> Calls<'c> {
    /// Goes through everything; `fault` sees each update before it is taken in.
    fn pass(
        case: &'c Case<'_>,
        kind: &str,
        mut fault: impl FnMut(&'c Message, Option<&State<'c>>, &'c Value) -> Option<Outcome>,
    ) -> Outcome {
        let (mut calls, mut seen) = (Self::default(), false);
        for message in case.messages() {
            let (on, session) = session_of(message);
            // A load tells everything again.
            if message.requests("session/load") || message.requests("session/resume") {
                calls.known.retain(|(of, id, _), _| (*of, *id) != (on, session));
                continue;
            }
            if message.is_received() && message.requests("session/request_permission") {
                let id = message.params().and_then(|params| params["toolCall"]["toolCallId"].as_str());
                calls.known.entry((on, session, id.unwrap_or_default())).or_default();
            }
            let (Some(update), Some(of)) = (message.update(), message.update_kind()) else { continue };
            let Some(id) = update["toolCallId"].as_str().filter(|_| BOTH.contains(&of)) else { continue };
            let place = (on, session, id);
            if of == kind {
                seen = true;
                if let Some(outcome) = fault(message, calls.known.get(&place), update) {
                    return outcome;
                }
            }
            let call = calls.known.entry(place).or_default();
            call.0 |= of == "tool_call";
            if !update["status"].is_null() {
                call.1 = Some((message.index, &update["status"]));
            }
        }
        if seen { Outcome::Pass } else { Outcome::NotExercised("there was no such update".to_owned()) }
    }
}

pub(super) fn ids_are_not_used_twice(case: &Case<'_>) -> Outcome {
    Calls::pass(case, "tool_call", |message, known, update| {
        let again = known.is_some_and(|(reported, _)| *reported);
        again.then(|| {
            let actual = format!("{} once more", update["toolCallId"]);
            Outcome::broken("a new toolCallId for a new call", actual, vec![message.index])
        })
    })
}

pub(super) fn updates_are_about_reported_calls(case: &Case<'_>) -> Outcome {
    Calls::pass(case, "tool_call_update", |message, known, update| {
        known.is_none().then(|| {
            let actual = format!("{}, which was not", update["toolCallId"]);
            Outcome::broken("a call that was reported before", actual, vec![message.index])
        })
    })
}

pub(super) fn what_is_final_stays_so(case: &Case<'_>) -> Outcome {
    Calls::pass(case, "tool_call_update", |message, known, update| {
        let (place, before) = known?.1?;
        let again = is_final(before) && !update["status"].is_null() && !is_final(&update["status"]);
        again.then(|| {
            let actual = format!("{before} and then {}", update["status"]);
            Outcome::broken("a final status that stays", actual, vec![place, message.index])
        })
    })
}

//! Child sessions: announced before anything of them, by one parent, only to clients that take them.

use std::collections::HashMap;

use serde_json::Value;

use super::gated::offered;
use super::paths::absolute;
use crate::core::each::{each, each_update, items, session_of};
use crate::core::history::{Case, Message, brief};
use crate::core::verdict::Outcome;

/// Updates that only clients with child sessions know.
const UPDATES: [&str; 3] = ["subagent_update", "session_message", "session_message_chunk"];
const STATES: [&str; 4] = ["running", "idle", "requires_action", "unknown"];

/// References to sessions in the content of a tool call.
fn references(message: &Message) -> impl Iterator<Item = &Value> {
    let call = message.update().or_else(|| message.params().map(|params| &params["toolCall"]));
    let content = call.map(|call| items(&call["content"])).unwrap_or_default();
    content.iter().filter(|content| content["type"] == "session").map(|content| &content["sessionId"])
}

/// Returns whether a message shows anything of a child.
pub(crate) fn is_of_children(message: &Message) -> bool {
    message.update_kind().is_some_and(|kind| UPDATES.contains(&kind)) || references(message).next().is_some()
}

/// Returns whether a message has this session's id in any place but the one that announces it.
pub(crate) fn names(message: &Message, session: &str) -> bool {
    let update = message.update().unwrap_or(&Value::Null);
    session_of(message).1 == session
        || update["senderSessionId"] == session
        || update["recipientSessionId"] == session
        || references(message).any(|named| named == session)
}

/// The children that were announced on each connection, each with its first announcement, in order.
pub(crate) fn announced<'c>(case: &'c Case<'_>) -> Vec<(&'c str, &'c Message)> {
    let mut found: Vec<(&str, &Message)> = Vec::new();
    for message in case.received() {
        let Some(child) = message.announced_child() else { continue };
        if !found.iter().any(|(known, first)| *known == child && first.on == message.on) {
            found.push((child, message));
        }
    }
    found
}

fn none() -> Outcome {
    Outcome::NotExercised("the agent showed no child session".to_owned())
}

pub(super) fn only_for_clients_that_take_them(case: &Case<'_>) -> Outcome {
    let mut shown = false;
    for message in case.received().filter(|message| is_of_children(message)) {
        if !offered(case, message.on, &["subagents"]) {
            let actual = message.update_kind().unwrap_or("a reference to one").to_owned();
            return Outcome::broken("nothing of child sessions", actual, vec![message.index]);
        }
        shown = true;
    }
    let prompted = |message: &Message| message.requests("session/prompt") && !offered(case, message.on, &["subagents"]);
    match (shown, case.sent().any(prompted)) {
        (true, true) => Outcome::Pass,
        (true, false) => Outcome::NotExercised("the client took child sessions all the time".to_owned()),
        _ => none(),
    }
}

pub(crate) fn children_are_announced_first(case: &Case<'_>) -> Outcome {
    let announced = announced(case);
    for (child, first) in &announced {
        let early = case
            .received()
            .find(|message| message.on == first.on && message.index < first.index && names(message, child));
        if let Some(early) = early {
            let expected = format!("a subagent_update for {child:?} before anything else of it");
            return Outcome::broken(expected, "one behind it", vec![early.index, first.index]);
        }
    }
    if announced.is_empty() { none() } else { Outcome::Pass }
}

pub(super) fn children_keep_their_parent(case: &Case<'_>) -> Outcome {
    let mut parents: HashMap<(u32, &str), &Message> = HashMap::new();
    each(
        case,
        |message| message.announced_child().is_some(),
        |message| {
            let first = *parents.entry((message.on, message.announced_child()?)).or_insert(message);
            let (parent, named) = (session_of(first).1, session_of(message).1);
            (parent != named).then(|| {
                let places = vec![first.index, message.index];
                Outcome::broken(format!("the parent {parent:?}"), format!("{named:?}"), places)
            })
        },
    )
}

pub(super) fn states_are_known(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| {
            message.announced_child().is_some() && message.update().is_some_and(|update| update["state"].is_object())
        },
        |message| {
            let state = &message.update()?["state"]["state"];
            let good = state.as_str().is_some_and(|state| STATES.contains(&state) || state.starts_with('_'));
            (!good).then(|| {
                let expected = format!("one of {}, or one that begins with _", STATES.join(", "));
                Outcome::broken(expected, brief(state), vec![message.index])
            })
        },
    )
}

pub(super) fn directories_are_absolute(case: &Case<'_>) -> Outcome {
    let mut seen = false;
    let found = each_update(case, &["subagent_update"], |message, update| {
        let own = std::iter::once(&update["cwd"]).filter(|cwd| !cwd.is_null());
        let all: Vec<&Value> = own.chain(items(&update["additionalDirectories"])).collect();
        seen |= !all.is_empty();
        let bad = all.into_iter().find(|path| !absolute(path))?;
        Some(Outcome::broken("an absolute path", brief(bad), vec![message.index]))
    });
    match found {
        Outcome::Pass if !seen => Outcome::NotExercised("no child had a directory of its own".to_owned()),
        _ => found,
    }
}

/// Methods that change a session.
const MUTATIONS: [&str; 11] = [
    "session/prompt",
    "session/cancel",
    "session/set_mode",
    "session/set_config_option",
    "session/set_title",
    "session/close",
    "session/delete",
    "session/fork",
    "session/archive",
    "session/unarchive",
    "session/resume",
];

/// Of a client: it changes nothing in a child that the child does not permit.
pub(super) fn children_are_left_alone(case: &Case<'_>) -> Outcome {
    let mut children: HashMap<(u32, &str), (usize, bool)> = HashMap::new();
    for message in case.messages() {
        if let (false, Some(child)) = (message.is_received(), message.announced_child()) {
            let permitted = children.entry((message.on, child)).or_insert((message.index, false));
            if let Some(capabilities) = message.update().and_then(|update| update.get("capabilities")) {
                permitted.1 = capabilities["cancel"].is_object();
            }
            continue;
        }
        let Some(method) = message.method().filter(|method| message.is_received() && MUTATIONS.contains(method)) else {
            continue;
        };
        let Some((announced, cancel)) = children.get(&session_of(message)) else { continue };
        if !(method == "session/cancel" && *cancel) {
            let places = vec![*announced, message.index];
            return Outcome::broken("nothing that the child does not permit", method, places);
        }
    }
    match children.is_empty() {
        true => Outcome::NotExercised("the client was shown no child session".to_owned()),
        false => Outcome::Pass,
    }
}

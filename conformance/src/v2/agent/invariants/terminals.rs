//! Terminals, which belong to the agent and are only shown.

use std::collections::HashMap;

use serde_json::Value;

use crate::core::each::{each, session_of};
use crate::core::history::{Case, Message, brief};
use crate::core::verdict::Outcome;
use crate::v1::invariants::content::is_base64;
use crate::v1::invariants::paths::absolute;

/// Its command, and whether it has exited.
type Known<'c> = (Option<&'c str>, bool);

pub(super) fn terminals_are_the_agents(case: &Case<'_>) -> Outcome {
    let mut known: HashMap<((u32, &str), &str), Known<'_>> = HashMap::new();
    let about = |message: &Message| {
        let shown = matches!(message.update_kind(), Some("terminal_update" | "terminal_output_chunk"));
        shown || message.method().is_some_and(|method| method.starts_with("terminal/"))
    };
    each(case, about, |message| {
        let wrong = |expected: &str, actual: String| Some(Outcome::broken(expected, actual, vec![message.index]));
        let Some(update) = message.update() else {
            return wrong("terminals of the agent's own", message.method().unwrap_or_default().to_owned());
        };
        let Some(id) = update["terminalId"].as_str() else { return wrong("a terminalId", brief(update)) };
        if let Some(data) = data(message, update).filter(|data| !data.as_str().is_some_and(is_base64)) {
            return wrong("data in base64", brief(data));
        }
        if message.update_kind() != Some("terminal_update") {
            return None;
        }
        if !update["cwd"].is_null() && !absolute(&update["cwd"]) {
            return wrong("an absolute cwd", brief(&update["cwd"]));
        }
        let (command, exited) = known.entry((session_of(message), id)).or_default();
        let named = update["command"].as_str();
        if *exited && named.is_some() && *command != named {
            return wrong("another terminalId for another command", format!("{id:?} again"));
        }
        *command = named.or(*command);
        *exited |= update["exitStatus"].is_object();
        None
    })
}

/// The bytes that an update holds.
fn data<'m>(message: &Message, update: &'m Value) -> Option<&'m Value> {
    match message.update_kind() {
        Some("terminal_output_chunk") => Some(&update["data"]),
        _ => Some(&update["output"]["data"]).filter(|data| !data.is_null()),
    }
}

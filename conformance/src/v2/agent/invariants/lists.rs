//! Lists of an agent: ways to log in, options, commands, answers to its questions.

use std::collections::HashSet;

use serde_json::Value;

use crate::core::each::{each, items};
use crate::core::history::{Body, Case, Message, brief};
use crate::core::verdict::Outcome;

/// The list that a message holds under a name, in a result or an update.
fn held<'m>(message: &'m Message, name: &str) -> &'m [Value] {
    match &message.body {
        Body::Response { outcome: Ok(result), .. } => items(&result[name]),
        _ => message.update().map(|update| items(&update[name])).unwrap_or_default(),
    }
}

pub(super) fn methods_and_options_are_whole(case: &Case<'_>) -> Outcome {
    let lists = [("authMethods", "methodId"), ("configOptions", "configId")];
    each(
        case,
        |message| lists.iter().any(|(name, _)| !held(message, name).is_empty()),
        |message| {
            lists.iter().find_map(|(name, id)| {
                let whole = |entry: &&Value| [id, "name", "type"].iter().all(|member| entry[*member].is_string());
                let bad = held(message, name).iter().find(|entry| !whole(entry))?;
                let expected = format!("{id}, name and type of each of {name}");
                Some(Outcome::broken(expected, brief(bad), vec![message.index]))
            })
        },
    )
}

/// The values of a select option, of all its groups.
fn values(option: &Value) -> Vec<&Value> {
    let of = |entry: &'_ Value| entry["options"].is_array();
    items(&option["options"])
        .iter()
        .flat_map(|entry| if of(entry) { items(&entry["options"]) } else { std::slice::from_ref(entry) })
        .map(|entry| &entry["value"])
        .collect()
}

pub(super) fn the_current_value_is_offered(case: &Case<'_>) -> Outcome {
    let selects = |message: &Message| held(message, "configOptions").iter().any(|option| option["type"] == "select");
    each(case, selects, |message| {
        held(message, "configOptions").iter().filter(|option| option["type"] == "select").find_map(|option| {
            let values = values(option);
            let distinct: HashSet<String> = values.iter().map(ToString::to_string).collect();
            let (expected, actual) = if values.is_empty() {
                ("at least one value", "none".to_owned())
            } else if distinct.len() < values.len() {
                ("values that are distinct", brief(&option["options"]))
            } else if !values.contains(&&option["currentValue"]) {
                ("a currentValue that is among the values", brief(option))
            } else {
                return None;
            };
            Some(Outcome::broken(expected, actual, vec![message.index]))
        })
    })
}

pub(super) fn option_ids_are_distinct(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| message.requests("session/request_permission"),
        |message| {
            let options = items(&message.params()?["options"]);
            let distinct: HashSet<String> = options.iter().map(|option| option["optionId"].to_string()).collect();
            (distinct.len() < options.len()).then(|| {
                let actual = options.iter().map(|option| option["optionId"].to_string()).collect::<Vec<_>>().join(", ");
                Outcome::broken("optionIds that are distinct", actual, vec![message.index])
            })
        },
    )
}

pub(super) fn command_names_are_plain_and_distinct(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| !held(message, "availableCommands").is_empty(),
        |message| {
            let mut seen = HashSet::new();
            let bad = held(message, "availableCommands").iter().find_map(|command| {
                let name = command["name"].as_str()?;
                (name.contains(char::is_whitespace) || !seen.insert(name)).then_some(name)
            })?;
            let expected = "names without whitespace, each once";
            Some(Outcome::broken(expected, format!("{bad:?}"), vec![message.index]))
        },
    )
}

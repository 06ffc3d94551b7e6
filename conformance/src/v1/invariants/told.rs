//! Updates about commands, options, modes, usage and sessions, and notices for the user.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::config;
use crate::core::each::{each, each_update, items, session_of};
use crate::core::history::{Body, Case, Message, brief};
use crate::core::verdict::Outcome;

pub(super) fn commands_have_name_and_description(case: &Case<'_>) -> Outcome {
    each_update(case, &["available_commands_update"], |message, update| {
        let good = |command: &&Value| {
            let input = &command["input"];
            command["name"].is_string()
                && command["description"].is_string()
                && (input.is_null() || input["hint"].is_string())
        };
        let bad = items(&update["availableCommands"]).iter().find(|command| !good(command))?;
        Some(Outcome::broken("name, description, and a hint for the input", brief(bad), vec![message.index]))
    })
}

pub(super) fn names_of_commands_are_plain_and_distinct(case: &Case<'_>) -> Outcome {
    each_update(case, &["available_commands_update"], |message, update| {
        let mut seen = HashSet::new();
        let bad = items(&update["availableCommands"]).iter().find(|command| {
            let name = command["name"].as_str().unwrap_or_default();
            name.is_empty() || name.starts_with('/') || name.contains(char::is_whitespace) || !seen.insert(name)
        })?;
        Some(Outcome::broken("distinct names without spaces or a slash", brief(&bad["name"]), vec![message.index]))
    })
}

pub(super) fn usage_is_numbers(case: &Case<'_>) -> Outcome {
    each_update(case, &["usage_update"], |message, usage| {
        let cost = &usage["cost"];
        let currency = cost["currency"].as_str().is_some_and(|currency| !currency.is_empty());
        let good = usage["used"].is_u64()
            && usage["size"].is_u64()
            && (cost.is_null() || (cost["amount"].is_number() && currency));
        (!good).then(|| {
            Outcome::broken(
                "integers used and size, a cost with amount and currency",
                brief(usage),
                vec![message.index],
            )
        })
    })
}

pub(super) fn session_info_has_no_fixed_fields(case: &Case<'_>) -> Outcome {
    each_update(case, &["session_info_update"], |message, update| {
        let fixed =
            ["sessionId", "cwd", "additionalDirectories"].into_iter().find(|name| update.get(name).is_some())?;
        Some(Outcome::broken("only what can change", format!("the member {fixed}"), vec![message.index]))
    })
}

pub(super) fn listed_roots_are_announced(case: &Case<'_>) -> Outcome {
    let listed = |message: &Message| match &message.body {
        Body::Response { outcome: Ok(result), .. } => !items(&result["sessions"]).is_empty(),
        _ => false,
    };
    let announced = |message: &Message| {
        let agent = case.initialized(message.on);
        agent.is_some_and(|a| !a["agentCapabilities"]["sessionCapabilities"]["additionalDirectories"].is_null())
    };
    each(case, listed, |message| {
        let Body::Response { outcome: Ok(result), .. } = &message.body else { return None };
        let with =
            items(&result["sessions"]).iter().find(|entry| !items(&entry["additionalDirectories"]).is_empty())?;
        (!announced(message)).then(|| {
            Outcome::broken("no additionalDirectories without the capability", brief(with), vec![message.index])
        })
    })
}

/// The options of a session as they were last told in full. One may go when another changes.
pub(super) fn told_options_are_complete(case: &Case<'_>) -> Outcome {
    let mut known: HashMap<(u32, String), (usize, &[Value])> = HashMap::new();
    let mut seen = false;
    for message in case.received() {
        let session = match &message.body {
            Body::Response { outcome: Ok(result), .. } if result["configOptions"].is_array() => {
                let Some(session) = result["sessionId"].as_str() else { continue };
                session
            }
            _ if message.update_kind() == Some("config_option_update") => session_of(message).1,
            _ => continue,
        };
        let told = options(message);
        let place = (message.on, session.to_owned());
        if message.update().is_some() {
            seen = true;
            if let Some((before, all)) = known.get(&place)
                && let Some(missing) = config::left_out(all, told)
            {
                let actual = format!("a list without {}", missing["id"]);
                return Outcome::doubtful("all options", actual, vec![*before, message.index]);
            }
        }
        known.insert(place, (message.index, told));
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised("no option changed by itself".to_owned()) }
}

/// The options that a message tells.
fn options(message: &Message) -> &[Value] {
    match &message.body {
        Body::Response { outcome: Ok(result), .. } => items(&result["configOptions"]),
        _ => message.update().map(|update| items(&update["configOptions"])).unwrap_or_default(),
    }
}

/// Categories are known, or begin with an underscore. Others belong to the specification, which may have grown.
pub(super) fn categories_are_known(case: &Case<'_>) -> Outcome {
    const KNOWN: [&str; 4] = ["mode", "model", "model_config", "thought_level"];
    let categories = |message| options(message).iter().filter_map(|option| option["category"].as_str());
    each(
        case,
        |message| categories(message).next().is_some(),
        |message| {
            let strange = categories(message).find(|name| !name.starts_with('_') && !KNOWN.contains(name))?;
            let expected = format!("one of {}, or a name that begins with _", KNOWN.join(", "));
            Some(Outcome::doubtful(expected, strange, vec![message.index]))
        },
    )
}

pub(super) fn told_modes_are_offered(case: &Case<'_>) -> Outcome {
    let offered = |session: &str, before: usize| {
        let mut modes = None;
        for message in case.received().filter(|message| message.index < before) {
            let Body::Response { outcome: Ok(result), id } = &message.body else { continue };
            let asked = |m: &&Message| m.id() == Some(id) && m.on == message.on && m.index < message.index;
            let of = case.sent().filter(asked).last().map(|asked| session_of(asked).1);
            if (result["sessionId"] == session || of == Some(session)) && result["modes"].is_object() {
                modes = Some(&result["modes"]["availableModes"]);
            }
        }
        modes
    };
    each_update(case, &["current_mode_update"], |message, update| {
        let Some(mode) = update["currentModeId"].as_str() else {
            let said = match update["modeId"].as_str() {
                Some(_) => "modeId, as in an example of the documentation that the schema contradicts".to_owned(),
                None => brief(update),
            };
            return Some(Outcome::broken("currentModeId", said, vec![message.index]));
        };
        let modes = offered(session_of(message).1, message.index)?;
        let known = items(modes).iter().any(|known| known["id"] == mode);
        (!known).then(|| Outcome::broken("one of the modes offered", format!("{mode:?}"), vec![message.index]))
    })
}

pub(super) fn notices_are_whole(case: &Case<'_>) -> Outcome {
    each_update(case, &["notice"], |message, notice| {
        let title = notice["title"].as_str().is_some_and(|title| !title.is_empty());
        let detail = notice["description"].is_null() || notice["description"].is_string();
        let good = title && detail && notice["severity"].is_string();
        (!good).then(|| Outcome::broken("a severity and a title", brief(notice), vec![message.index]))
    })
}

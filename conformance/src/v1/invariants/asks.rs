//! Requests that a client may send to an agent.

use serde_json::Value;

use crate::core::each::{each, is_absolute, items};
use crate::core::history::{Body, Case, Message, brief};
use crate::core::verdict::Outcome;

/// A method behind a capability of the agent, and where that stands below `agentCapabilities`.
pub(super) type Gate = (&'static str, &'static [&'static str]);

pub(super) const LOAD: Gate = ("session/load", &["loadSession"]);
pub(super) const RESUME: Gate = ("session/resume", &["sessionCapabilities", "resume"]);
pub(super) const CLOSE: Gate = ("session/close", &["sessionCapabilities", "close"]);
pub(super) const DELETE: Gate = ("session/delete", &["sessionCapabilities", "delete"]);
pub(super) const LOGOUT: Gate = ("logout", &["auth", "logout"]);

/// Asked only of an agent that has it.
pub(super) fn only_where_announced(case: &Case<'_>, gate: Gate) -> Outcome {
    let (method, path) = gate;
    each(
        case,
        |message| message.method() == Some(method),
        |message| {
            let agent = case.initialized(message.on).map_or(&Value::Null, |agent| &agent["agentCapabilities"]);
            let value = path.iter().fold(agent, |value, name| &value[*name]);
            (value.is_null() || value == &Value::Bool(false)).then(|| {
                let expected = format!("no {method} of an agent without {}", path.join("."));
                Outcome::broken(expected, "one", vec![message.index])
            })
        },
    )
}

/// Requests that set a session up.
const SETUPS: [&str; 4] = ["session/new", "session/load", "session/resume", "session/fork"];

/// A member of a setup request is sent only to an agent that has `sessionCapabilities.CAPABILITY`.
pub(super) fn member_only_where_announced(case: &Case<'_>, member: &str, capability: &str) -> Outcome {
    let has = |message: &Message| {
        let setup = message.method().is_some_and(|method| SETUPS.contains(&method));
        setup && !params(message)[member].is_null()
    };
    each(case, has, |message| {
        let agent = case.initialized(message.on).map_or(&Value::Null, |agent| &agent["agentCapabilities"]);
        agent["sessionCapabilities"][capability].is_null().then(|| {
            let expected = format!("no {member} for an agent without sessionCapabilities.{capability}");
            Outcome::broken(expected, "one", vec![message.index])
        })
    })
}

fn params(message: &Message) -> &Value {
    message.params().unwrap_or(&Value::Null)
}

/// `what` is in the params of every request of this method, where `is_whole` says so.
fn whole(case: &Case<'_>, method: &str, what: &str, is_whole: impl Fn(&Value) -> bool) -> Outcome {
    each(
        case,
        |message| message.requests(method),
        |message| {
            let good = is_whole(params(message));
            (!good).then(|| Outcome::broken(what, brief(params(message)), vec![message.index]))
        },
    )
}

pub(super) fn loads_are_whole(case: &Case<'_>) -> Outcome {
    whole(case, "session/load", "sessionId, cwd and mcpServers", |params| {
        params["sessionId"].is_string() && params["cwd"].is_string() && params["mcpServers"].is_array()
    })
}

/// The text wants MCP servers, the schema does not (AMB-08).
pub(super) fn resumes_are_whole(case: &Case<'_>) -> Outcome {
    whole(case, "session/resume", "sessionId and cwd", |params| {
        params["sessionId"].is_string() && params["cwd"].is_string()
    })
}

pub(super) fn closes_name_their_session(case: &Case<'_>) -> Outcome {
    whole(case, "session/close", "a sessionId", |params| params["sessionId"].is_string())
}

/// A list of all sessions has no filter.
pub(super) fn filters_are_absolute(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| message.requests("session/list") && !params(message)["cwd"].is_null(),
        |message| {
            let cwd = &params(message)["cwd"];
            let good = cwd.as_str().is_some_and(is_absolute);
            (!good).then(|| Outcome::broken("an absolute cwd", brief(cwd), vec![message.index]))
        },
    )
}

pub(super) fn cancels_are_notifications(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| message.method() == Some("session/cancel"),
        |message| {
            let notification = matches!(message.body, Body::Notification { .. });
            let good = notification && params(message)["sessionId"].is_string();
            (!good).then(|| {
                let actual = if notification { brief(params(message)) } else { "a request".to_owned() };
                Outcome::broken("a notification with a sessionId", actual, vec![message.index])
            })
        },
    )
}

/// The agent's result for this session's `session/new` on this connection.
fn made<'c>(case: &'c Case<'_>, message: &Message) -> Option<&'c Value> {
    let session = &params(message)["sessionId"];
    let calls = case.asked("session/new").into_iter().filter(|call| call.request.on == message.on);
    calls.filter_map(|call| call.result()).find(|result| result["sessionId"] == *session)
}

pub(super) fn modes_are_offered(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| message.requests("session/set_mode"),
        |message| {
            let modes = &made(case, message)?["modes"]["availableModes"];
            let mode = &params(message)["modeId"];
            let known = items(modes).iter().any(|known| known["id"] == *mode);
            (!known).then(|| Outcome::broken("a mode that the agent offers", brief(mode), vec![message.index]))
        },
    )
}

/// The values of a select, those in groups included, are its only ones; of other types nobody knows.
pub(super) fn values_are_offered(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| message.requests("session/set_config_option"),
        |message| {
            let (id, value) = (&params(message)["configId"], &params(message)["value"]);
            let option = items(&made(case, message)?["configOptions"]).iter().find(|option| option["id"] == *id);
            let Some(option) = option else {
                return Some(Outcome::broken("an option that the agent has", brief(id), vec![message.index]));
            };
            let entries = items(&option["options"]).iter();
            let mut values = entries.flat_map(|entry| match items(&entry["options"]) {
                [] => std::slice::from_ref(entry),
                group => group,
            });
            let good = match option["type"].as_str() {
                Some("select") => values.any(|entry| entry["value"] == *value),
                Some("boolean") => value.is_boolean() && params(message)["type"] == "boolean",
                _ => true,
            };
            (!good)
                .then(|| Outcome::broken("a value that the agent offers", brief(params(message)), vec![message.index]))
        },
    )
}

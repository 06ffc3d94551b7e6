//! Order of a client's messages, and their params.

use serde_json::Value;

use crate::core::each::is_absolute;
use crate::core::history::{Body, Case, Message, brief};
use crate::core::verdict::Outcome;

/// Where the first successful answer to a method stands, for each connection.
fn answered(case: &Case<'_>, method: &str, on: u32) -> Option<usize> {
    let asked = case.received().filter(|message| message.on == on && message.requests(method));
    asked.filter_map(|asked| case.call_of(asked)).find_map(|call| call.result().and(call.answer)).map(|m| m.index)
}

/// The first message that asks for something other than `initialize` before that was answered.
pub(crate) fn initialize_comes_first(case: &Case<'_>) -> Outcome {
    let mut seen = false;
    for message in case.received() {
        if message.requests("initialize") {
            seen = true;
            continue;
        }
        // Taking back the `initialize` itself is a notification of the protocol's that needs no session.
        let about = message.method().is_some_and(|method| !method.starts_with("$/"));
        let asks = about && matches!(message.body, Body::Request { .. } | Body::Notification { .. });
        if asks && answered(case, "initialize", message.on).is_none_or(|answer| answer > message.index) {
            let method = message.method().unwrap_or_default();
            return Outcome::broken("nothing before the answer to initialize", method, vec![message.index]);
        }
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised("the client did not initialize".to_owned()) }
}

/// `what` comes after an answer to one of these.
fn after(case: &Case<'_>, what: &str, methods: &[&str]) -> Outcome {
    let mut seen = false;
    for message in case.received().filter(|message| message.requests(what)) {
        seen = true;
        let answers = methods.iter().filter_map(|method| answered(case, method, message.on));
        if answers.min().is_none_or(|answer| answer > message.index) {
            return Outcome::broken(format!("an answer to {} first", methods.join(" or ")), what, vec![message.index]);
        }
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised(format!("there was no {what}")) }
}

pub(super) fn sessions_come_after_initialize(case: &Case<'_>) -> Outcome {
    after(case, "session/new", &["initialize"])
}

pub(super) fn lists_come_after_initialize(case: &Case<'_>) -> Outcome {
    after(case, "session/list", &["initialize"])
}

pub(super) fn login_methods_are_the_agents(case: &Case<'_>) -> Outcome {
    let mut seen = false;
    for message in case.received().filter(|message| message.requests("authenticate")) {
        seen = true;
        let method = message.params().map(|params| &params["methodId"]).unwrap_or(&Value::Null);
        let known = case.initialized(message.on).and_then(|result| result["authMethods"].as_array());
        if !known.into_iter().flatten().any(|known| known["id"] == *method) {
            return Outcome::broken("an id that the agent lists", brief(method), vec![message.index]);
        }
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised("the client did not authenticate".to_owned()) }
}

pub(super) fn prompts_come_after_sessions(case: &Case<'_>) -> Outcome {
    after(case, "session/prompt", &["session/new", "session/load", "session/resume", "session/fork"])
}

/// Asks the params of every request that makes or opens a session.
fn sessions<'c>(case: &'c Case<'_>, fault: impl Fn(&'c Message, &'c Value) -> Option<Outcome>) -> Outcome {
    let mut seen = false;
    for message in case.received() {
        let opens = ["session/new", "session/load", "session/resume"].iter().any(|method| message.requests(method));
        let (true, Some(params)) = (opens, message.params()) else { continue };
        seen = true;
        if let Some(outcome) = fault(message, params) {
            return outcome;
        }
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised("the client opened no session".to_owned()) }
}

pub(super) fn working_directories_are_absolute(case: &Case<'_>) -> Outcome {
    sessions(case, |message, params| {
        let cwd = &params["cwd"];
        let good = cwd.as_str().is_some_and(is_absolute);
        (!good).then(|| Outcome::broken("an absolute cwd", brief(cwd), vec![message.index]))
    })
}

pub(super) fn directories_are_added_only_where_announced(case: &Case<'_>) -> Outcome {
    sessions(case, |message, params| {
        let announced = case.initialized(message.on).is_some_and(|result| {
            !result["agentCapabilities"]["sessionCapabilities"]["additionalDirectories"].is_null()
        });
        // An empty list names none.
        let named = params["additionalDirectories"].as_array().is_some_and(|listed| !listed.is_empty());
        let actual = || brief(&params["additionalDirectories"]);
        (named && !announced).then(|| Outcome::broken("no additionalDirectories", actual(), vec![message.index]))
    })
}

pub(super) fn stdio_servers_are_whole(case: &Case<'_>) -> Outcome {
    let mut seen = false;
    let found = sessions(case, |message, params| {
        let servers = params["mcpServers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let wrong = servers.iter().filter(|server| server["type"].is_null()).find(|server| {
            let command = server["command"].as_str().is_some_and(is_absolute);
            !(command && server["args"].is_array() && server["env"].is_array())
        })?;
        let expected = "an absolute command, args and env";
        Some(Outcome::broken(expected, brief(wrong), vec![message.index]))
    });
    for message in case.received() {
        let servers = message.params().and_then(|params| params["mcpServers"].as_array());
        seen |= servers.into_iter().flatten().any(|server| server["type"].is_null());
    }
    match found {
        Outcome::Pass if !seen => Outcome::NotExercised("the client names no MCP server over stdio".to_owned()),
        found => found,
    }
}

/// Version 1 has no batches over stdio.
pub(super) fn no_batches(case: &Case<'_>) -> Outcome {
    let mut seen = false;
    for message in case.received() {
        seen = true;
        if matches!(&message.body, Body::Junk { why } if why.starts_with("an array")) {
            return Outcome::broken("one message", "an array", vec![message.index]);
        }
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised("the subject wrote nothing".to_owned()) }
}

//! Capabilities: an agent can do what it says it can.

use serde_json::{Value, json};

use crate::core::check::Check;
use crate::core::history::Case;
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

/// Methods behind a capability, and where it stands below `agentCapabilities`. Not `logout`, which would do it.
const GATED: [(&str, &[&str]); 9] = [
    ("session/load", &["loadSession"]),
    ("session/resume", &["sessionCapabilities", "resume"]),
    ("session/list", &["sessionCapabilities", "list"]),
    ("session/close", &["sessionCapabilities", "close"]),
    ("session/delete", &["sessionCapabilities", "delete"]),
    ("session/fork", &["sessionCapabilities", "fork"]),
    ("session/options", &["sessionCapabilities", "options"]),
    ("session/set_title", &["sessionCapabilities", "title"]),
    ("session/status", &["sessionCapabilities", "status"]),
];

/// Methods that are announced.
pub(super) const ANNOUNCED: Scenario = Scenario {
    name: "announced",
    about: "calls every method behind a capability, with a session that nobody made",
    play: |probe| Box::pin(announced(probe)),
    checks: &[Check::new("INIT-16", what_is_announced_is_there), Check::new("ERR-04/b", what_is_not_announced_is_not)],
};

fn has(agent: &Value, path: &[&str]) -> bool {
    let value = path.iter().fold(&agent["agentCapabilities"], |value, name| &value[*name]);
    !value.is_null() && value != &Value::Bool(false)
}

async fn announced(probe: &mut Probe) -> Result<(), Stop> {
    let agent = probe.begin().await?;
    for (method, path) in GATED {
        let kind = if has(&agent, path) { "announced" } else { "absent" };
        let params = match method {
            "session/list" => json!({}),
            "session/set_title" => json!({ "sessionId": "conformance-no-such-session", "title": "A title" }),
            "session/options" => json!({ "cwd": probe.directory() }),
            "session/close" | "session/delete" | "session/status" => {
                json!({ "sessionId": "conformance-no-such-session" })
            }
            _ => json!({
                "sessionId": "conformance-no-such-session", "cwd": probe.directory(), "mcpServers": [],
            }),
        };
        let _ = probe.call(&format!("{kind}/{method}"), method, params).await?;
    }
    Ok(())
}

fn what_is_announced_is_there(case: &Case<'_>) -> Outcome {
    let calls = case.calls("announced/");
    if calls.is_empty() {
        return Outcome::NotApplicable("the agent announces none of these methods".to_owned());
    }
    match calls.iter().find(|call| call.code() == Some(-32601)) {
        Some(call) => {
            let method = call.request.method().unwrap_or_default();
            Outcome::broken(format!("{method}, which it announces"), call.said(), call.places())
        }
        None => Outcome::Pass,
    }
}

/// A method that works without being announced is none that a client will miss.
fn what_is_not_announced_is_not(case: &Case<'_>) -> Outcome {
    let calls = case.calls("absent/");
    if calls.is_empty() {
        return Outcome::NotApplicable("the agent announces all of these methods".to_owned());
    }
    match calls.iter().find(|call| call.error().is_some() && call.code() != Some(-32601)) {
        Some(call) => Outcome::doubtful("an error with code -32601", call.said(), call.places()),
        None => Outcome::Pass,
    }
}

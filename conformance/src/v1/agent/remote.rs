//! MCP servers that are reached over HTTP.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::core::check::{Check, LOGIN, call};
use crate::core::history::Case;
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::mcp_stub::Remote;
use crate::prompts;

/// The header that the agent is to send.
const HEADER: &str = "X-Conformance";
/// Its value.
const VALUE: &str = "conformance value";
/// Between two looks at whether it was connected to.
const LOOK: Duration = Duration::from_millis(20);

/// Our own server, in each way that the agent has.
pub(super) const REMOTE: Scenario = Scenario {
    name: "mcp-remote",
    about: "gives sessions our own MCP server over HTTP, by each transport that the agent announces",
    play: |probe| Box::pin(remote(probe)),
    checks: &[
        Check::new("SESS-11", |case| is_connected_to(case, "http")),
        Check::new("SESS-11/a", |case| is_connected_to(case, "sse")),
    ],
};

async fn remote(probe: &mut Probe) -> Result<(), Stop> {
    let agent = probe.begin().await?;
    for kind in ["http", "sse"] {
        if agent["agentCapabilities"]["mcpCapabilities"][kind] != true {
            continue;
        }
        let stub = Remote::start(HEADER).await?;
        let mut params = probe.new_session();
        params["mcpServers"] = json!([{
            "type": kind, "name": "conformance", "url": stub.url(kind),
            "headers": [{ "name": HEADER, "value": VALUE }],
        }]);
        let made = probe.call(&format!("{kind}/new"), "session/new", params).await?;
        if let Ok(made) = made {
            let session = made["sessionId"].as_str().unwrap_or_default().to_owned();
            let _ = probe.prompt(&format!("{kind}/first"), &session, prompts::REPLY).await?;
        }
        // Servers may be connected to beside the turn.
        let deadline = Instant::now() + probe.limits().step;
        while !stub.seen().iter().any(|request| request["event"] == "initialize") && Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
        }
        probe.note(kind, json!(stub.seen()));
    }
    Ok(())
}

fn is_connected_to(case: &Case<'_>, kind: &str) -> Outcome {
    if case.capability(&["mcpCapabilities", kind]).is_none() {
        return Outcome::NotApplicable(format!("the agent does not have mcpCapabilities.{kind}"));
    }
    let call = call!(case, &format!("{kind}/new"));
    if call.code() == Some(LOGIN) {
        return Outcome::NotExercised(format!("it came to {}", call.said()));
    }
    if call.result().is_none() {
        return Outcome::broken("a session", call.said(), call.places());
    }
    let Some(seen) = case.note(kind) else { return Outcome::NotExercised(case.why_not(kind)) };
    let requests = seen.as_array().map(Vec::as_slice).unwrap_or_default();
    if !requests.iter().any(|request| request["event"] == "initialize") {
        return Outcome::broken(
            "a server that is connected to by the end of the first turn",
            "none was",
            call.places(),
        );
    }
    let bare = requests.iter().find(|request| request["header"] != VALUE);
    match bare {
        Some(bare) => Outcome::broken(format!("{HEADER}: {VALUE} on each request"), bare.to_string(), call.places()),
        None => Outcome::Pass,
    }
}

//! Servers of a session whose client's socket is gone.

use serde_json::json;

use super::mcp::{ended, has, note, server};
use crate::core::check::{Check, call};
use crate::core::history::Case;
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::mcp_stub;
use crate::prompts;

/// A client that leaves.
pub(super) const LEAVING: Scenario = Scenario {
    name: "socket-leaving",
    about: "gives a session our own MCP server, has a turn, and closes the socket",
    play: |probe| Box::pin(leaving(probe)),
    checks: &[Check::new("WS-06", a_connection_is_cleaned_up)],
};

/// Where the session may live on, a server that lives on with it is waited for so many times the grace time.
const PATIENCE: u32 = 3;

async fn leaving(probe: &mut Probe) -> Result<(), Stop> {
    let Some(program) = mcp_stub::program() else {
        return Err(Stop::Refused("the program with the MCP server is not beside this one".to_owned()));
    };
    let agent = probe.begin().await?;
    let mut params = probe.new_session();
    params["mcpServers"] = json!([server(probe, &program, "left")]);
    let made = probe.call("new", "session/new", params).await?;
    let session = made.map_err(|error| Stop::Refused(format!("session/new was answered with {error}")))?;
    let _ = probe.prompt("first", session["sessionId"].as_str().unwrap_or_default(), prompts::REPLY).await?;
    note(probe, "before", "left");
    probe.close().await;
    let claimed = &agent["agentCapabilities"];
    let again = claimed["loadSession"] == true || !claimed["sessionCapabilities"]["resume"].is_null();
    let patience = if again { probe.limits().grace * PATIENCE } else { probe.limits().step };
    ended(probe, &["left"], patience).await;
    note(probe, "after", "left");
    Ok(())
}

/// AMB-21: sessions are cleaned up, and sessions outlive their connection. One that can be had again may live on.
fn a_connection_is_cleaned_up(case: &Case<'_>) -> Outcome {
    let call = call!(case, "new");
    let (Some(before), Some(after)) = (case.note("before"), case.note("after")) else {
        return Outcome::NotExercised(case.why_not("after"));
    };
    if !has(before, "started") {
        return Outcome::NotExercised("no server was started".to_owned());
    }
    if has(after, "ended") {
        return Outcome::Pass;
    }
    let again = [["loadSession"].as_slice(), &["sessionCapabilities", "resume"]];
    if again.iter().any(|path| case.capability(path).is_some()) {
        return Outcome::Info("a session's servers live on without a client, as the session does".to_owned());
    }
    Outcome::broken("the end of the session's servers with the socket", "they go on", call.places())
}

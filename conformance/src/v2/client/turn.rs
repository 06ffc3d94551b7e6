//! A turn as an agent of version 2 has it, and servers that an agent may or may not take.

use serde_json::{Value, json};

use crate::core::history::Message;
use crate::core::probe::{Host, Probe, SESSION, Stop};
use crate::core::scenario::Scenario;
use crate::v2::VERSION;

/// A turn with all that is new in it.
pub(super) const TURN: Scenario = Scenario {
    name: "v2-client-turn",
    about: "accepts the client's prompt, runs, asks for a permission, sends what nobody knows, and is idle again",
    play: |probe| Box::pin(turn(probe)),
    checks: &[],
};

/// Agents that take servers over stdio and HTTP, or none.
pub(super) const SERVERS: Scenario = Scenario {
    name: "v2-client-servers",
    about: "lets the client make a session with agents that take MCP servers over stdio and HTTP, and with one that takes none",
    play: |probe| Box::pin(servers(probe)),
    checks: &[],
};

async fn turn(probe: &mut Probe) -> Result<(), Stop> {
    let prompt = begin(probe, json!({ "session": {} })).await?;
    let ask = json!({
        "sessionId": SESSION,
        "title": "May the tester go on?",
        "subject": { "type": "command", "command": "true", "cwd": probe.directory() },
        "options": [
            { "optionId": "yes", "name": "Yes", "kind": "allow_once" },
            { "optionId": "no", "name": "No", "kind": "reject_once" },
        ],
    });
    probe.reply(&prompt, Ok(json!({ "messageId": "conformance-user" }))).await?;
    let text = |text: &str| json!({ "type": "text", "text": text });
    for told in [
        json!({ "sessionUpdate": "user_message", "messageId": "conformance-user", "content": [text("…")] }),
        json!({ "sessionUpdate": "state_update", "state": "running" }),
        json!({ "sessionUpdate": "_conformance_update", "of": "nobody" }),
        json!({ "sessionUpdate": "agent_message_chunk", "messageId": "conformance-agent", "content": text("OK") }),
        json!({ "sessionUpdate": "state_update", "state": "requires_action" }),
    ] {
        update(probe, told).await?;
    }
    // What it is answered with is held against the schema.
    let _ = probe.call("permission", "session/request_permission", ask).await?;
    update(probe, json!({ "sessionUpdate": "state_update", "state": "running" })).await?;
    idle(probe).await
}

async fn servers(probe: &mut Probe) -> Result<(), Stop> {
    for capabilities in [json!({ "session": { "mcp": { "stdio": {}, "http": {} } } }), json!({ "session": {} })] {
        let prompt = begin(probe, capabilities).await?;
        probe.reply(&prompt, Ok(json!({ "messageId": "conformance-user" }))).await?;
        update(probe, json!({ "sessionUpdate": "state_update", "state": "running" })).await?;
        idle(probe).await?;
    }
    Ok(())
}

/// Starts the client and waits for its prompt: the id of that. Only a client that asks for this version is answered.
async fn begin(probe: &mut Probe, capabilities: Value) -> Result<Value, Stop> {
    let mut host = Host::draft(capabilities);
    host.hold_initialize = true;
    let result = host.initialize.clone();
    probe.host = Some(host);
    probe.open().await?;
    let limit = probe.limits().step;
    let asked = probe.until("initialize", limit, |message| message.requests("initialize")).await?;
    let wanted = asked.params().and_then(|params| params["protocolVersion"].as_u64());
    let id = asked.id().cloned().unwrap_or_default();
    if wanted.is_none_or(|wanted| wanted < u64::from(VERSION)) {
        let data = json!({ "requested": wanted, "supported": [VERSION] });
        let error = json!({ "code": -32022, "message": "Unsupported protocol version", "data": data });
        probe.reply(&id, Err(error)).await?;
        return Err(Stop::Refused("the client does not ask for version 2".to_owned()));
    }
    probe.quiet("before-initialized").await?;
    probe.reply(&id, Ok(result)).await?;
    let prompt = probe.until("prompt", limit, |message: &Message| message.requests("session/prompt")).await?;
    Ok(prompt.id().cloned().unwrap_or_default())
}

async fn update(probe: &mut Probe, update: Value) -> Result<(), Stop> {
    let label = update["sessionUpdate"].as_str().unwrap_or_default().to_owned();
    probe.notify(&label, "session/update", json!({ "sessionId": SESSION, "update": update })).await
}

/// Ends the work, and serves the client until it is gone, at most the grace time.
async fn idle(probe: &mut Probe) -> Result<(), Stop> {
    update(probe, json!({ "sessionUpdate": "state_update", "state": "idle", "stopReason": "end_turn" })).await?;
    let (gone, exited) = probe.farewell(probe.limits().grace).await;
    probe.note("end", json!({ "gone": gone, "exited": exited }));
    Ok(())
}

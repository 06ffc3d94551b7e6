//! MCP servers that are given to sessions.

use std::time::Duration;

use serde_json::{Value, json};

use crate::core::check::{Check, LOGIN, call, needs};
use crate::core::history::Case;
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::mcp_stub;
use crate::prompts;
use crate::v1::invariants::content;

/// An argument that a shell would take apart.
const ARGUMENT: &str = "two words";
/// The value of the variable.
const VALUE: &str = "a value";
/// Between two looks at whether servers have ended.
const LOOK: Duration = Duration::from_millis(20);

/// Our own servers.
pub(super) const MCP: Scenario = Scenario {
    name: "mcp-servers",
    about: "gives sessions our own MCP servers, calls a tool, closes one session, and loads it with another server",
    play: |probe| Box::pin(mcp(probe)),
    checks: &[
        Check::new("SESS-09", a_server_is_started_as_asked),
        Check::new("SESS-12", all_servers_are_contacted),
        Check::new("CONTENT-08", what_tools_give_back_is_valid),
        Check::new("CLOSE-04", closing_lets_go_of_servers),
        Check::new("LOAD-08", servers_of_a_load_are_contacted),
    ],
};

/// An entry of `mcpServers` whose server keeps its record under this name.
pub(super) fn server(probe: &Probe, program: &std::path::Path, name: &str) -> Value {
    json!({
        "name": name, "command": program,
        "args": ["mcp-stub", "--record", record(probe, name), ARGUMENT],
        "env": [{ "name": mcp_stub::VARIABLE, "value": VALUE }],
    })
}

fn record(probe: &Probe, name: &str) -> std::path::PathBuf {
    probe.path(&format!("mcp-{name}.jsonl"))
}

pub(super) fn note(probe: &mut Probe, label: &str, name: &str) {
    let seen = mcp_stub::read(&record(probe, name));
    probe.note(label, json!(seen));
}

async fn mcp(probe: &mut Probe) -> Result<(), Stop> {
    let Some(program) = mcp_stub::program() else {
        return Err(Stop::Refused("the program with the MCP server is not beside this one".to_owned()));
    };
    let agent = probe.begin().await?;
    let mut params = probe.new_session();
    params["mcpServers"] = json!([server(probe, &program, "conformance"), server(probe, &program, "second")]);
    let made = probe.call("new", "session/new", params).await?;
    let session = made.map_err(|error| Stop::Refused(format!("session/new was answered with {error}")))?;
    let session = session["sessionId"].as_str().unwrap_or_default().to_owned();
    let _ = probe.prompt("first", &session, prompts::REPLY).await?;
    let _ = probe.prompt("tool", &session, prompts::MCP).await?;
    // Servers may be started beside the turn.
    wait(probe, "initialize", &["conformance", "second"]).await;
    note(probe, "conformance", "conformance");
    note(probe, "second", "second");
    let mut params = probe.new_session();
    params["mcpServers"] = json!([server(probe, &program, "other")]);
    let other = probe.call("other/new", "session/new", params).await?;
    let other = other.map_err(|error| Stop::Refused(format!("session/new was answered with {error}")))?;
    let _ = probe.prompt("other/first", other["sessionId"].as_str().unwrap_or_default(), prompts::REPLY).await?;
    if !agent["agentCapabilities"]["sessionCapabilities"]["close"].is_null() {
        let _ = probe.call("close", "session/close", json!({ "sessionId": session })).await?;
        wait(probe, "ended", &["conformance", "second"]).await;
        note(probe, "closed/conformance", "conformance");
        note(probe, "closed/second", "second");
        note(probe, "closed/other", "other");
    }
    if agent["agentCapabilities"]["loadSession"] == true {
        probe.begin().await?;
        let servers = json!([server(probe, &program, "loaded")]);
        let params = json!({ "sessionId": session, "cwd": probe.directory(), "mcpServers": servers });
        let _ = probe.call("load", "session/load", params).await?;
        let _ = probe.prompt("load/first", &session, prompts::REPLY).await?;
        wait(probe, "initialize", &["loaded"]).await;
        note(probe, "loaded", "loaded");
    }
    Ok(())
}

/// Waits until the records of all these servers have this event, no longer than for an answer; for those of an agent that
/// starts none at most the grace time.
async fn wait(probe: &mut Probe, event: &str, names: &[&str]) {
    let (grace, limit) = (probe.limits().grace, probe.limits().step);
    until(probe, "started", names, grace).await;
    if names.iter().any(|name| has(&json!(mcp_stub::read(&record(probe, name))), "started")) {
        until(probe, event, names, limit).await;
    }
}

/// Waits until these servers have ended, so long at most.
pub(super) async fn ended(probe: &mut Probe, names: &[&str], limit: Duration) {
    until(probe, "ended", names, limit).await;
}

async fn until(probe: &mut Probe, event: &str, names: &[&str], limit: Duration) {
    let deadline = tokio::time::Instant::now() + limit;
    let records: Vec<_> = names.iter().map(|name| record(probe, name)).collect();
    // What was never started does not end.
    let there = || {
        let mut seen = records.iter().map(|record| json!(mcp_stub::read(record)));
        seen.all(|record| has(&record, event) || (event == "ended" && !has(&record, "started")))
    };
    while !there() && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(LOOK).await;
    }
}

/// Returns whether a record has this event.
pub(super) fn has(record: &Value, event: &str) -> bool {
    record.as_array().is_some_and(|events| events.iter().any(|known| known["event"] == event))
}

fn a_server_is_started_as_asked(case: &Case<'_>) -> Outcome {
    let call = call!(case, "new");
    // Whoever has to log in gets no session (ERR-10).
    if call.code() == Some(LOGIN) {
        return Outcome::NotExercised(format!("it came to {}", call.said()));
    }
    if call.result().is_none() {
        return Outcome::broken("a session", call.said(), call.places());
    }
    let Some(record) = case.note("conformance") else { return Outcome::NotExercised(case.why_not("conformance")) };
    let started = record.as_array().and_then(|events| events.iter().find(|event| event["event"] == "started"));
    let Some(started) = started else {
        let first = call!(case, "first");
        if first.error().is_some() && !case.is_scripted() {
            return Outcome::NotExercised(format!(
                "none was started by the end of a turn that came to {}",
                first.said()
            ));
        }
        return Outcome::broken("a server that is started by the end of the first turn", "none was", call.places());
    };
    if started["args"] != json!([ARGUMENT]) || started["env"] != VALUE {
        let expected = format!("the argument {ARGUMENT:?} and the variable {:?}", mcp_stub::VARIABLE);
        return Outcome::broken(expected, started.to_string(), call.places());
    }
    Outcome::pass_if(has(record, "initialize"), || {
        Outcome::broken("an MCP initialize", record.to_string(), call.places())
    })
}

fn all_servers_are_contacted(case: &Case<'_>) -> Outcome {
    let call = call!(case, "new");
    let (Some(first), Some(second)) = (case.note("conformance"), case.note("second")) else {
        return Outcome::NotExercised(case.why_not("second"));
    };
    if !has(first, "initialize") && !has(second, "initialize") {
        return Outcome::NotExercised("no server was contacted, which SESS-09 is about".to_owned());
    }
    let both = has(first, "initialize") && has(second, "initialize");
    Outcome::pass_if(both, || Outcome::broken("both servers contacted", "one was", call.places()))
}

fn what_tools_give_back_is_valid(case: &Case<'_>) -> Outcome {
    let call = call!(case, "tool");
    if !case.note("conformance").is_some_and(|record| has(record, "tools/call")) {
        return Outcome::NotExercised("the tool was not called".to_owned());
    }
    let within =
        |message: &&crate::core::history::Message| message.index > call.request.index && message.index < call.until();
    let blocks: Vec<_> = case.received().filter(within).filter(|m| content::of_a_call(m)).collect();
    if blocks.is_empty() {
        return Outcome::NotExercised("the agent does not show what the tool gave back as content".to_owned());
    }
    match blocks.iter().find_map(|message| Some((message.index, content::fault(message)?))) {
        Some((place, fault)) => Outcome::broken("valid blocks", fault, vec![place]),
        None => Outcome::Pass,
    }
}

fn closing_lets_go_of_servers(case: &Case<'_>) -> Outcome {
    needs!(case, "sessionCapabilities"."close");
    let call = call!(case, "close");
    let notes = ["conformance", "second", "other"].map(|name| case.note(&format!("closed/{name}")));
    let [Some(first), Some(second), Some(other)] = notes else {
        return Outcome::NotExercised(case.why_not("closed/other"));
    };
    if call.result().is_none() || !has(first, "started") {
        return Outcome::NotExercised("no server was started, or the session was not closed".to_owned());
    }
    if !has(first, "ended") || (has(second, "started") && !has(second, "ended")) {
        return Outcome::broken("the end of the session's servers", "they go on", call.places());
    }
    Outcome::pass_if(!has(other, "ended"), || {
        Outcome::broken("the other session's server goes on", "it was ended, too", call.places())
    })
}

fn servers_of_a_load_are_contacted(case: &Case<'_>) -> Outcome {
    needs!(case, "loadSession");
    let call = call!(case, "load");
    if call.result().is_none() {
        return Outcome::NotExercised(call.said());
    }
    let Some(record) = case.note("loaded") else { return Outcome::NotExercised(case.why_not("loaded")) };
    let first = call!(case, "load/first");
    if !has(record, "initialize") && first.error().is_some() && !case.is_scripted() {
        return Outcome::NotExercised(format!("none was contacted by the end of a turn that came to {}", first.said()));
    }
    Outcome::pass_if(has(record, "initialize"), || {
        Outcome::broken("a server that is contacted by the end of the next turn", record.to_string(), call.places())
    })
}

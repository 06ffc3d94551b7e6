//! Start of a client: it starts its agent, introduces itself, and copes with what agents claim.

use serde_json::{Value, json};

use super::stage::{Turn, begin, prompted};
use crate::core::check::{Check, all};
use crate::core::history::{Body, Case, Message, What, brief};
use crate::core::probe::{Host, Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::stub;
use crate::core::verdict::Outcome;

/// A whole short life of a client.
pub(super) const CONNECT: Scenario = Scenario {
    name: "client-connect",
    about: "lets the client start its agent, initialize, make a session and prompt, and answers slowly at first",
    play: |probe| Box::pin(connect(probe)),
    checks: &[
        Check::new("TRANSPORT-stdio-06", the_agent_got_its_arguments),
        Check::new("TRANSPORT-stdio-09", the_agent_is_not_left_behind),
        Check::new("INIT-02", it_asks_for_a_version),
        Check::new("INIT-03", it_says_who_it_is),
        Check::new("SESS-02", a_session_has_cwd_and_servers),
        Check::new("PROMPT-02", content_is_what_every_agent_takes),
    ],
};

async fn connect(probe: &mut Probe) -> Result<(), Stop> {
    let host = Host { hold_initialize: true, ..Host::default() };
    let result = host.initialize.clone();
    probe.host = Some(host);
    probe.open().await?;
    let limit = probe.limits().step;
    let asked = probe.until("initialize", limit, |message| message.requests("initialize")).await?;
    probe.quiet("before-initialized").await?;
    probe.reply(asked.id().unwrap_or(&Value::Null), Ok(result)).await?;
    let prompt = probe.until("prompt", limit, |message| message.requests("session/prompt")).await?;
    let turn = Turn { prompt: prompt.id().cloned().unwrap_or_default() };
    // Whether it ends is asked here and nowhere else.
    turn.end_within(probe, "turn", Ok(json!({ "stopReason": "end_turn" })), limit).await
}

fn the_agent_got_its_arguments(case: &Case<'_>) -> Outcome {
    let Some(hello) = case.note("agent/started") else {
        return Outcome::NotExercised("the client did not start its agent as a process".to_owned());
    };
    let started = |event: &crate::core::history::Event| matches!(&event.what, What::Note { label, .. } if label == "agent/started");
    let place = case.history().events.iter().position(started);
    let (places, expected) = (place.into_iter().collect(), format!("the argument {} behind the socket", stub::MARK));
    match hello["arguments"].as_array().map(Vec::as_slice) {
        Some([mark]) if mark == stub::MARK => Outcome::Pass,
        // Clients may add arguments of their own.
        Some([mark, ..]) if mark == stub::MARK => Outcome::doubtful(expected, brief(&hello["arguments"]), places),
        _ => Outcome::broken(expected, brief(&hello["arguments"]), places),
    }
}

fn the_agent_is_not_left_behind(case: &Case<'_>) -> Outcome {
    let Some(end) = case.note("turn/end") else { return Outcome::NotExercised(case.why_not("the end of the turn")) };
    match (&end["gone"], &end["exited"]) {
        (Value::Bool(true), _) => Outcome::Pass,
        // Only a diagram says so (AMB-33).
        (_, Value::Bool(true)) => {
            Outcome::doubtful("the end of its input when the client has exited", "it stayed open", Vec::new())
        }
        _ => Outcome::NotExercised("the client went on after its turn".to_owned()),
    }
}

/// The first request of this method, or why there is none.
fn first<'c>(case: &'c Case<'_>, method: &str) -> Result<&'c Message, Outcome> {
    let found = case.received().find(|message| message.requests(method));
    found.ok_or_else(|| Outcome::NotExercised(case.why_not(method)))
}

fn it_asks_for_a_version(case: &Case<'_>) -> Outcome {
    let message = match first(case, "initialize") {
        Ok(message) => message,
        Err(why) => return why,
    };
    let version = message.params().map(|params| &params["protocolVersion"]).unwrap_or(&Value::Null);
    match version.as_u64() {
        Some(1 | 2) => Outcome::Pass,
        Some(other) => Outcome::doubtful("a version that is published", other.to_string(), vec![message.index]),
        None => Outcome::broken("an integer protocolVersion", brief(version), vec![message.index]),
    }
}

fn it_says_who_it_is(case: &Case<'_>) -> Outcome {
    let message = match first(case, "initialize") {
        Ok(message) => message,
        Err(why) => return why,
    };
    let params = message.params().unwrap_or(&Value::Null);
    // A client that asks for version 2 says it where version 2 has it.
    let info = if params["protocolVersion"] == 2 && params["clientInfo"].is_null() { "info" } else { "clientInfo" };
    let info = &params[info];
    let said = |member: &str| info[member].as_str().is_some_and(|text| !text.is_empty());
    Outcome::pass_if(said("name") && said("version"), || {
        Outcome::broken("clientInfo with name and version", brief(info), vec![message.index])
    })
}

fn a_session_has_cwd_and_servers(case: &Case<'_>) -> Outcome {
    let message = match first(case, "session/new") {
        Ok(message) => message,
        Err(why) => return why,
    };
    let params = message.params().unwrap_or(&Value::Null);
    Outcome::pass_if(params["cwd"].is_string() && params["mcpServers"].is_array(), || {
        Outcome::broken("cwd and mcpServers", brief(params), vec![message.index])
    })
}

/// The agent of this scenario has no prompt capabilities.
fn content_is_what_every_agent_takes(case: &Case<'_>) -> Outcome {
    let message = match first(case, "session/prompt") {
        Ok(message) => message,
        Err(why) => return why,
    };
    let blocks = message.params().and_then(|params| params["prompt"].as_array());
    let strange =
        blocks.into_iter().flatten().find(|block| block["type"] != "text" && block["type"] != "resource_link");
    match strange {
        Some(block) => Outcome::broken("text and resource_link only", brief(&block["type"]), vec![message.index]),
        None => Outcome::Pass,
    }
}

/// Capabilities that agents may claim.
pub(super) const CAPABILITIES: Scenario = Scenario {
    name: "client-capabilities",
    about: "is an agent that claims nothing, everything, or what nobody knows, or lets users log in, each on a new \
            connection",
    play: |probe| Box::pin(capabilities(probe)),
    checks: &[
        Check::new("INIT-12", |case| all(["empty", "nulls", "some", "all"].map(|name| prompted(case, name, "none")))),
        Check::new("INIT-13", |case| nothing_unclaimed_is_used(case, 1, "none", UNCLAIMED)),
        Check::new("INIT-17", |case| nothing_unclaimed_is_used(case, 3, "nulls", UNCLAIMED)),
        Check::new("INIT-18", |case| prompted(case, "unknown", "none")),
        Check::new("LIST-01", |case| nothing_unclaimed_is_used(case, 1, "none", &["session/list"])),
        Check::new("SESS-13", servers_are_of_kinds_that_the_agent_takes),
        Check::new("SESS-17", additional_directories_are_absolute),
    ],
};

/// Methods that an agent has to announce.
const UNCLAIMED: &[&str] =
    &["session/load", "session/resume", "session/close", "session/list", "session/delete", "session/fork", "logout"];

async fn capabilities(probe: &mut Probe) -> Result<(), Stop> {
    let nulls = json!({
        "promptCapabilities": {},
        "mcpCapabilities": {},
        "sessionCapabilities": { "list": null, "delete": null, "resume": null, "close": null, "additionalDirectories": null },
        "auth": {},
        "_meta": null,
    });
    let all = json!({
        "loadSession": true,
        "promptCapabilities": { "image": true, "audio": true, "embeddedContext": true },
        "mcpCapabilities": { "http": true, "sse": true },
        "sessionCapabilities": { "list": {}, "delete": {}, "resume": {}, "close": {}, "additionalDirectories": {},
            "systemPrompt": {}, "options": {} },
        "auth": { "logout": {} },
    });
    let unknown = json!({
        "conformanceCapability": { "of": "nobody" },
        "sessionCapabilities": { "conformance": { "deep": [1] } },
        "promptCapabilities": { "smell": true },
        "_meta": { "conformance/note": [null, { "a": 1.5 }] },
    });
    let some = json!({ "promptCapabilities": { "image": true }, "sessionCapabilities": { "list": {} } });
    let empty = json!({ "promptCapabilities": {}, "mcpCapabilities": {}, "sessionCapabilities": {}, "auth": {} });
    for (name, claimed) in
        [("none", json!({})), ("empty", empty), ("nulls", nulls), ("some", some), ("all", all), ("unknown", unknown)]
    {
        // A client that cannot go on is what the checks are to see; the next one is a new one.
        match begin(probe, name, Host::with(claimed)).await {
            Ok(turn) => turn.end(probe, name, Ok(json!({ "stopReason": "end_turn" }))).await.unwrap_or_default(),
            Err(Stop::Gone | Stop::Late(_)) => {}
            Err(stop) => return Err(stop),
        }
    }
    let mut host = Host::default();
    host.initialize["authMethods"] = json!([{ "id": "conformance-login", "name": "Log in" }]);
    if let Ok(turn) = begin(probe, "login", host).await {
        turn.end(probe, "login", Ok(json!({ "stopReason": "end_turn" }))).await.unwrap_or_default();
    }
    Ok(())
}

fn nothing_unclaimed_is_used(case: &Case<'_>, on: u32, name: &str, methods: &[&str]) -> Outcome {
    let used = case.received().find(|message| {
        message.on == on
            && matches!(message.body, Body::Request { .. })
            && message.method().is_some_and(|method| methods.contains(&method))
    });
    match used {
        Some(message) => {
            let method = message.method().unwrap_or_default();
            Outcome::broken("nothing that the agent does not have", method, vec![message.index])
        }
        None if case.note(&format!("{name}/prompt")) == Some(&Value::Bool(true)) => Outcome::Pass,
        None => Outcome::NotExercised(case.why_not(&format!("{name}/prompt"))),
    }
}

/// Without `mcpCapabilities`: MCP servers over stdio only.
fn servers_are_of_kinds_that_the_agent_takes(case: &Case<'_>) -> Outcome {
    let made = case.received().find(|message| message.on == 1 && message.requests("session/new"));
    let Some(message) = made else { return Outcome::NotExercised(case.why_not("session/new")) };
    let servers = message.params().and_then(|params| params["mcpServers"].as_array());
    let remote = servers.into_iter().flatten().find(|server| server["type"] == "http" || server["type"] == "sse");
    match remote {
        Some(server) => Outcome::broken("MCP servers over stdio only", brief(server), vec![message.index]),
        None => Outcome::Pass,
    }
}

fn additional_directories_are_absolute(case: &Case<'_>) -> Outcome {
    let mut seen = false;
    for message in case.received().filter(|message| message.requests("session/new")) {
        let Some(listed) = message.params().and_then(|params| params["additionalDirectories"].as_array()) else {
            continue;
        };
        seen |= !listed.is_empty();
        let relative = listed.iter().find(|entry| !entry.as_str().is_some_and(crate::core::each::is_absolute));
        if let Some(entry) = relative {
            return Outcome::broken("absolute paths", brief(entry), vec![message.index]);
        }
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised("the client names no additional directory".to_owned()) }
}

/// An agent of the future.
pub(super) const VERSION: Scenario = Scenario {
    name: "client-version",
    about: "is an agent that speaks a version which the client cannot know",
    play: |probe| Box::pin(version(probe)),
    checks: &[Check::new("INIT-10", it_goes_away)],
};

async fn version(probe: &mut Probe) -> Result<(), Stop> {
    let mut host = Host::default();
    host.initialize["protocolVersion"] = json!(65535);
    probe.host = Some(host);
    probe.open().await?;
    let limit = probe.limits().step;
    probe.until("initialize", limit, |message| message.requests("initialize")).await?;
    let (gone, exited) = probe.farewell(limit).await;
    probe.note("refused", json!({ "gone": gone, "exited": exited }));
    Ok(())
}

fn it_goes_away(case: &Case<'_>) -> Outcome {
    let Some(refused) = case.note("refused") else { return Outcome::NotExercised(case.why_not("initialize")) };
    let asked = case.received().find(|message| message.requests("initialize"));
    let places = |more: Option<&Message>| asked.iter().map(|m| m.index).chain(more.map(|m| m.index)).collect();
    if let Some(went_on) = case.received().find(|m| m.requests("session/new") || m.requests("session/prompt")) {
        let method = went_on.method().unwrap_or_default();
        return Outcome::broken("the end of the connection", method, places(Some(went_on)));
    }
    Outcome::pass_if(refused["gone"] == Value::Bool(true), || {
        Outcome::doubtful("the end of the connection", "nothing", places(None))
    })
}

/// Bytes that the agent writes to stderr: more than any pipe holds.
const NOISE_BYTES: usize = 1024 * 1024;

/// An agent that logs a lot.
pub(super) const NOISE: Scenario = Scenario {
    name: "client-noise",
    about: "is an agent that writes a megabyte to stderr before it answers anything",
    play: |probe| Box::pin(noise(probe)),
    checks: &[Check::new("TRANSPORT-stdio-05", stderr_holds_nothing_up)],
};

async fn noise(probe: &mut Probe) -> Result<(), Stop> {
    probe.noise = NOISE_BYTES;
    begin(probe, "turn", Host::default()).await?.done(probe).await
}

fn stderr_holds_nothing_up(case: &Case<'_>) -> Outcome {
    if case.note("agent/started").is_none() {
        return Outcome::NotExercised("the client did not start its agent as a process".to_owned());
    }
    // Not one message means that the agent still waits for somebody to read what it said.
    Outcome::pass_if(case.received().next().is_some(), || {
        Outcome::broken("messages after the agent wrote 1 MiB to stderr", "none", Vec::new())
    })
}

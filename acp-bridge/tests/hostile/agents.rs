//! Agents that are many, that do not start, that forget.

use serde_json::{Value, json};

use crate::report::held;
use crate::support::client::{kind, text};
use crate::support::process::wait_until_gone;
use crate::support::{Bridge, Client, DEADLINE, Options};

fn set_mode(client: &mut Client, session: &str, mode: &str) {
    client.call("session/set_mode", &json!({ "sessionId": session, "modeId": mode }));
}

fn set_option(client: &mut Client, session: &str, option: &str, value: &str) {
    let params = json!({ "sessionId": session, "configId": option, "type": "select", "value": value });
    client.call("session/set_config_option", &params);
}

/// Mode and options of the agent that runs, by its own word.
fn settings(client: &mut Client, session: &str) -> Value {
    let turn = client.prompt(session, "settings");
    let said = text(&client.turn(turn).1);
    // Behind what was left of earlier answers.
    let last = serde_json::Deserializer::from_str(&said).into_iter().last();
    last.and_then(Result::ok).unwrap_or_else(|| panic!("{said}"))
}

fn dies(client: &mut Client, session: &str) {
    let turn = client.prompt(session, "die");
    client.turn(turn);
}

/// Waits for an update of this kind that says what was lost.
fn loss(client: &mut Client, of: &str) -> Value {
    let lost = |m: &Value| kind(m) == Some(of) && m["params"]["update"]["_meta"]["acp-bridge"]["lost"].is_array();
    client.wait_for("what was lost", lost)["params"]["update"].clone()
}

#[test]
fn an_agent_that_forgets_is_given_again_what_was_chosen_or_everybody_is_told() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let mut other = bridge.client();
    other.resume(&session, None);
    set_option(&mut client, &session, "model", "big");
    set_mode(&mut client, &session, "auto");
    set_option(&mut client, &session, "effort", "high");
    let refused = json!({ "sessionId": session, "modeId": "nonesuch" });
    client.refused("session/set_mode", &refused);
    let mode = other.wait_for("the mode", |m| kind(m) == Some("current_mode_update"));
    assert_eq!(mode["params"]["update"]["currentModeId"], "auto", "the agent says nothing, so the bridge does");

    dies(&mut client, &session);
    let wanted =
        json!({ "mode": "auto", "options": { "model": "big", "effort": "high" }, "set": ["model", "auto", "effort"] });
    assert_eq!(settings(&mut client, &session), wanted);

    // From its second start on this agent knows no mode `once` and no effort `once`.
    client.call("session/close", &json!({ "sessionId": session }));
    client.load(&session);
    other.resume(&session, None);
    let fresh = client.new_session();
    other.resume(&fresh, None);
    set_mode(&mut client, &fresh, "once");
    set_option(&mut client, &fresh, "effort", "once");
    dies(&mut client, &fresh);
    let turn = client.prompt(&fresh, "settings");
    for one in [&mut client, &mut other] {
        let update = loss(one, "current_mode_update");
        assert_eq!(update["currentModeId"], "ask");
        let lost = &update["_meta"]["acp-bridge"]["lost"][0];
        assert_eq!(lost["choice"]["params"]["modeId"], "once");
        assert!(lost["reason"].as_str().is_some_and(|why| why.contains("only once")), "{lost}");
        let lost = &loss(one, "config_option_update")["_meta"]["acp-bridge"]["lost"][0];
        assert_eq!(lost["choice"]["params"]["configId"], "effort");
    }
    client.answer(turn);
    let loaded = bridge.client().load(&fresh);
    assert_eq!(loaded["modes"]["currentModeId"], "ask", "and it is not claimed: {loaded}");
    assert_eq!(settings(&mut client, &session), wanted, "a session that was closed has it too");
    held(
        "an agent that forgets what was chosen, or refuses it later",
        "it was set again in order, or all clients were told",
    );
}

/// How often an agent was started that keeps a list of it.
fn starts(list: &std::path::Path) -> usize {
    std::fs::read_to_string(list).expect("the list").lines().count()
}

#[test]
fn an_agent_that_never_opens_a_session_is_started_once_and_the_error_says_what_it_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let list = directory.path().join("starts");
    let flags = ["--slow-new", "600000", "--starts", list.to_str().expect("UTF-8")];
    let bridge = Bridge::start(Options::fault_agent(&flags).arg("--start-timeout").arg("1s"));
    let mut client = bridge.client();
    let error = client.refused("session/new", &json!({ "cwd": "/", "mcpServers": [] }));
    let message = error["message"].as_str().expect("a message");
    for part in ["session/new", "silent for 1 s", "--start-timeout", "indexing everything", "Welcome to this agent!"] {
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
    assert_eq!(starts(&list), 1, "it was given its time once");
    held("an agent that hangs in session/new", "one start, one limit, and an error with its last words");
}

#[test]
fn an_agent_that_is_slow_and_says_so_is_given_more_time() {
    let bridge =
        Bridge::start(Options::fault_agent(&["--slow-new", "5000", "--chatty"]).arg("--start-timeout").arg("2s"));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "echo there");
    assert_eq!(text(&client.turn(turn).1), "there");
    held("an agent that needs longer than --start-timeout and writes to stderr meanwhile", "it was waited for");
}

#[test]
fn one_connection_with_many_sessions_has_as_many_agents_as_there_may_be_and_leaves_room_when_it_goes() {
    let bridge = Bridge::start(Options::fault_agent(&[]).arg("--max-agents").arg("3").arg("--agent-idle").arg("never"));
    let mut greedy = bridge.client();
    let sessions: Vec<String> = (0..3).map(|_| greedy.new_session()).collect();
    let error = greedy.refused("session/new", &json!({ "cwd": "/", "mcpServers": [] }));
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains("3 agents run") && message.contains("--max-agents"), "{message}");
    let turn = greedy.prompt(&sessions[0], "echo still here");
    assert_eq!(text(&greedy.turn(turn).1), "still here");
    drop(greedy);

    // As soon as the bridge has seen it go.
    let mut other = bridge.client();
    let deadline = std::time::Instant::now() + DEADLINE;
    let fresh = loop {
        let id = other.request("session/new", &json!({ "cwd": "/", "mcpServers": [] }));
        let answer = other.answer(id);
        if let Some(session) = answer["result"]["sessionId"].as_str() {
            break session.to_owned();
        }
        assert!(std::time::Instant::now() < deadline, "{answer}");
    };
    let turn = other.prompt(&fresh, "echo new");
    assert_eq!(text(&other.turn(turn).1), "new");
    for session in &sessions {
        other.load(session);
        let turn = other.prompt(session, "echo old");
        let answer = other.turn(turn);
        let full = answer.0["error"]["message"].as_str().is_some_and(|m| m.contains("--max-agents"));
        assert!(full || text(&answer.1).ends_with("old"), "{answer:?}");
        other.call("session/close", &json!({ "sessionId": session }));
    }
    held(
        "one connection creates more sessions than agents may run, and leaves",
        "a refusal that names the option, then room",
    );
}

#[test]
fn agents_of_sessions_that_nobody_is_at_are_stopped_and_come_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let pid = directory.path().join("pid");
    let options = Options::fault_agent(&["--pid", pid.to_str().expect("UTF-8")]).arg("--agent-idle").arg("300ms");
    let bridge = Bridge::start(options);
    let mut client = bridge.client();
    let session = client.new_session();
    set_mode(&mut client, &session, "auto");
    let first = std::fs::read_to_string(&pid).expect("a pid");
    drop(client);
    wait_until_gone(&first);
    let mut client = bridge.client();
    client.load(&session);
    let now = settings(&mut client, &session);
    assert_eq!((&now["mode"], &now["set"]), (&json!("auto"), &json!(["auto"])), "with what was chosen");
    held("a connection leaves its sessions behind", "their agents are stopped and come back with the next prompt");
}

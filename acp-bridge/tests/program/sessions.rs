//! Session methods over the wire, as a client meets them.

use crate::support::client::text;
use crate::support::{Bridge, Options};
use serde_json::{Value, json};

#[test]
fn load_replays_the_conversation_joined_and_resume_from_its_last_cursor_gives_nothing_twice() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "count 50 0");
    let (_, live) = client.turn(turn);

    let mut other = bridge.client();
    let result = other.load(&session);
    assert_eq!(result["modes"]["currentModeId"], "ask");
    let user = other.update();
    let mut first = user.clone();
    while crate::support::client::kind(&first) != Some("user_message_chunk") {
        first = other.update();
    }
    assert_eq!(first["params"]["update"]["content"]["text"], "count 50 0");
    let chunks = other.chunks();
    assert_eq!(chunks.len(), 1, "adjacent chunks come joined");
    assert_eq!(text(&chunks), text(&live));
    assert_eq!(chunks[0].0, live.last().unwrap().0, "under the last seq they cover");

    let mut third = bridge.client();
    third.resume(&session, Some(chunks[0].0));
    third.caught_up();
    assert!(third.chunks().is_empty());
}

#[test]
fn the_status_of_a_session_is_told_to_whoever_asks_and_starts_nothing() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let (mut client, mut other) = (bridge.client(), bridge.client());
    let session = client.new_session();
    let status = |client: &mut crate::support::client::Client| {
        client.call("session/status", &json!({ "sessionId": session }))["status"].clone()
    };
    assert_eq!(status(&mut other), "open");
    client.call("session/close", &json!({ "sessionId": session }));
    assert_eq!(status(&mut other), "saved");
    assert_eq!(status(&mut other), "saved", "to look starts no agent");
    other.load(&session);
    let turn = other.prompt(&session, "echo again");
    other.answer(turn);
    assert_eq!(status(&mut other), "open");
    assert_eq!(other.refused("session/archive", &json!({ "sessionId": session }))["code"], -32601);
}

#[test]
fn prompts_while_a_turn_runs_queue_in_order() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turns: Vec<u64> =
        ["count 20 2", "echo two", "echo three"].iter().map(|text| client.prompt(&session, text)).collect();
    for turn in &turns {
        assert_eq!(client.answer(*turn)["result"]["stopReason"], "end_turn");
    }
    let said = text(&client.chunks());
    assert!(said.ends_with("20 twothree"), "{said}");
}

#[test]
fn a_full_queue_refuses_and_loses_nothing() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let running = client.prompt(&session, "wait");
    client.chunk();
    let waiting: Vec<u64> = (0..33).map(|_| client.prompt(&session, "echo x")).collect();
    let refused = client.answer(*waiting.last().unwrap());
    assert!(refused["error"]["message"].as_str().is_some_and(|m| m.contains("queue")), "{refused}");
    client.cancel(&session);
    assert_eq!(client.answer(running)["result"]["stopReason"], "cancelled");
    for turn in &waiting[..32] {
        assert_eq!(client.answer(*turn)["result"]["stopReason"], "end_turn");
    }
}

#[test]
fn another_clients_prompt_appears_as_a_user_message_and_ones_own_does_not() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let (mut one, mut two) = (bridge.client(), bridge.client());
    let session = one.new_session();
    two.resume(&session, None);
    let turn = one.prompt(&session, "echo hello");
    one.turn(turn);
    let is_user = |m: &Value| crate::support::client::kind(m) == Some("user_message_chunk");
    let seen = two.wait_for("user message", is_user);
    assert_eq!(seen["params"]["update"]["content"]["text"], "echo hello");
    two.turn_ended();
    let list = one.request("session/list", &json!({}));
    let mut before = Vec::new();
    loop {
        let message = one.next();
        if message["id"] == json!(list) {
            break;
        }
        before.push(message);
    }
    assert!(!before.iter().any(is_user), "{before:?}");
}

#[test]
fn sessions_are_listed_by_directory_and_page_and_deleted_for_good() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "title Tidy up");
    client.turn(turn);
    let listed = client.call("session/list", &json!({ "cwd": "/" }));
    let entry = &listed["sessions"][0];
    assert_eq!(
        (entry["sessionId"].clone(), entry["cwd"].clone(), entry["title"].clone()),
        (json!(session), json!("/"), json!("Tidy up"))
    );
    assert!(entry["updatedAt"].as_str().is_some_and(|at| at.contains('T') && at.ends_with('Z')), "{entry}");
    assert_eq!(client.call("session/list", &json!({ "cwd": "/nonesuch" }))["sessions"], json!([]));

    for _ in 0..2 {
        client.call("session/delete", &json!({ "sessionId": session }));
        assert_eq!(client.call("session/list", &json!({}))["sessions"], json!([]));
    }
    let error = client.refused("session/load", &json!({ "sessionId": session, "cwd": "/", "mcpServers": [] }));
    assert_eq!(error["code"], -32002);
}

#[test]
fn close_stops_the_agent_ends_the_turn_and_the_session_can_be_loaded_again() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "pid");
    let pid = text(&client.turn(turn).1);
    let turn = client.prompt(&session, "wait");
    client.chunk();
    client.call("session/close", &json!({ "sessionId": session }));
    assert_eq!(client.answer(turn)["result"]["stopReason"], "cancelled");
    let error = client.refused("session/prompt", &json!({ "sessionId": session, "prompt": [] }));
    assert_eq!(error["code"], -32002);
    client.load(&session);
    let turn = client.prompt(&session, "pid");
    let (answer, _) = client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "the first agent is gone");
}

#[test]
fn modes_options_authentication_and_extensions_pass_through() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    client.call("session/set_mode", &json!({ "sessionId": session, "modeId": "auto" }));
    let options = client.call(
        "session/set_config_option",
        &json!({ "sessionId": session, "configId": "model", "type": "select", "value": "big" }),
    );
    assert_eq!(options["configOptions"][0]["currentValue"], "big");
    assert_eq!(client.call("authenticate", &json!({ "methodId": "key" }))["method"], "key");
    assert_eq!(client.call("logout", &json!({})), json!({}));
    let echoed = client.call("_mine/thing", &json!({ "sessionId": session, "n": 1 }));
    assert_eq!(echoed["echo"]["n"], 1);
    let mut other = bridge.client();
    let loaded = other.load(&session);
    assert_eq!(loaded["modes"]["currentModeId"], "auto");
    assert_eq!(loaded["configOptions"][0]["currentValue"], "big");
}

#[test]
fn secrets_of_mcp_servers_never_reach_the_log() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let made = client.call(
        "session/new",
        &json!({ "cwd": "/", "mcpServers": [
            { "name": "one", "command": "/bin/true", "args": [], "env": [{ "name": "TOKEN", "value": "obvious-fake-1" }] },
            { "type": "http", "name": "two", "url": "http://127.0.0.1:9/", "headers": [{ "name": "Authorization", "value": "obvious-fake-2" }] },
        ] }),
    );
    assert_eq!(made["received"]["mcpServers"][0]["env"][0]["value"], "obvious-fake-1", "the agent gets them");
    client.call("authenticate", &json!({ "methodId": "key", "_meta": { "secret": "obvious-fake-3" } }));
    let log = rusqlite::Connection::open(&bridge.log).unwrap();
    let bodies: Vec<String> = log
        .prepare("select cast(body as text) from records")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(!bodies.is_empty());
    // The agent repeats what it was given.
    assert!(!bodies.iter().any(|body| body.contains("obvious-fake")), "{bodies:?}");
}

#[test]
fn a_viewer_that_names_no_mcp_servers_takes_none_away() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let server = json!({ "name": "one", "command": "/bin/true", "args": [], "env": [] });
    let made = client.call("session/new", &json!({ "cwd": "/", "mcpServers": [server] }));
    let session = made["sessionId"].as_str().unwrap().to_owned();
    bridge.client().resume(&session, None);
    let turn = client.prompt(&session, "die");
    client.turn(turn);
    let turn = client.prompt(&session, "echo again");
    client.turn(turn);
    let loaded = bridge.client().load(&session);
    assert_eq!(loaded["received"]["mcpServers"][0]["name"], "one", "the restarted agent has them: {loaded}");
}

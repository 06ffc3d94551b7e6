//! Prompts that wait, seen by clients of a running bridge.

use crate::support::client::{kind, text};
use crate::support::log::{records, wait_for_records};
use crate::support::{Bridge, Client, Options};
use serde_json::{Value, json};

fn prompt(client: &mut Client, session: &str, text: &str, meta: &Value) -> u64 {
    let prompt = json!([{ "type": "text", "text": text }]);
    let params = json!({ "sessionId": session, "prompt": prompt, "_meta": { "acp-bridge": meta } });
    client.request("session/prompt", &params)
}

/// The next `_acp-bridge/queue_changed` that says so.
fn changed_to(client: &mut Client, change: &str) -> Value {
    let fits = |m: &Value| m["method"] == "_acp-bridge/queue_changed" && m["params"]["change"] == change;
    client.wait_for(change, fits)["params"].clone()
}

fn queue(client: &mut Client, session: &str) -> Vec<Value> {
    let answer = client.call("_acp-bridge/queue", &json!({ "sessionId": session }));
    answer["queue"].as_array().expect("a list").clone()
}

#[test]
fn everybody_sees_what_waits_and_how_it_is_changed() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let (mut one, mut two) = (bridge.client(), bridge.client());
    let session = one.new_session();
    two.resume(&session, None);
    let running = one.prompt(&session, "wait");
    one.chunk();
    let first = prompt(&mut one, &session, "echo first", &json!({ "key": "k1" }));
    let second = one.prompt(&session, "echo second");
    // That which runs was queued and started first.
    changed_to(&mut two, "queued");
    changed_to(&mut two, "started");
    let a = changed_to(&mut two, "queued");
    let b = changed_to(&mut two, "queued");
    let (a, b) = (a["turn"].clone(), b["turn"].clone());
    let waiting = queue(&mut two, &session);
    assert_eq!(
        (&waiting[0]["turn"], &waiting[0]["key"], &waiting[0]["prompt"][0]["text"]),
        (&a, &json!("k1"), &json!("echo first"))
    );

    two.call("_acp-bridge/queue_move", &json!({ "sessionId": session, "turn": b, "before": a }));
    let moved = changed_to(&mut one, "moved");
    assert_eq!((&moved["queue"], &moved["lane"]), (&json!([b, a]), &json!("main")));
    assert!(moved["client"].is_string() && moved["_meta"]["acp-bridge"]["seq"].is_u64());
    let edited = json!([{ "type": "text", "text": "echo other words" }]);
    two.call("_acp-bridge/queue_edit", &json!({ "sessionId": session, "turn": b, "prompt": edited }));
    assert_eq!(changed_to(&mut one, "edited")["turn"], b);
    two.call("_acp-bridge/queue_withdraw", &json!({ "sessionId": session, "turn": a }));
    assert_eq!(changed_to(&mut one, "ended")["queue"], json!([b]));
    assert_eq!(one.answer(first)["result"]["stopReason"], "cancelled");

    one.cancel(&session);
    assert_eq!(one.answer(running)["result"]["stopReason"], "cancelled");
    let (answer, chunks) = one.turn(second);
    assert_eq!((answer["result"]["stopReason"].as_str(), text(&chunks).as_str()), (Some("end_turn"), "other words"));
    let error = two.refused("_acp-bridge/queue_edit", &json!({ "sessionId": session, "turn": b, "prompt": [] }));
    assert!(error["message"].as_str().unwrap().contains("has ended"), "{error}");
}

#[test]
fn a_busy_session_refuses_or_is_interrupted_as_the_prompt_asks() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let running = client.prompt(&session, "wait");
    client.chunk();
    let refused = prompt(&mut client, &session, "echo x", &json!({ "onBusy": "reject" }));
    assert_eq!(client.answer(refused)["error"]["data"]["acp-bridge"]["busy"], true);
    let unknown = prompt(&mut client, &session, "echo x", &json!({ "onBusy": "later" }));
    assert_eq!(client.answer(unknown)["error"]["code"], -32602);
    let unsteered = prompt(&mut client, &session, "echo x", &json!({ "onBusy": "steer" }));
    assert_eq!(client.answer(unsteered)["error"]["data"]["acp-bridge"]["steering"], "unsupported");
    let behind = client.prompt(&session, "echo behind");
    let next = prompt(&mut client, &session, "echo next", &json!({ "onBusy": "interrupt" }));
    assert_eq!(client.answer(running)["result"]["stopReason"], "cancelled");
    let next = client.answer(next)["result"]["_meta"]["acp-bridge"]["seq"].as_u64();
    assert!(next < client.answer(behind)["result"]["_meta"]["acp-bridge"]["seq"].as_u64());
}

#[test]
fn a_message_goes_into_the_running_turn_and_its_answer_names_that_turn() {
    let bridge = Bridge::start(Options::fault_agent(&["--steer"]));
    let (mut one, mut two) = (bridge.client(), bridge.client());
    let session = one.new_session();
    two.resume(&session, None);
    let running = one.prompt(&session, "wait");
    one.chunk();
    two.chunk();
    let steering = prompt(&mut two, &session, "faster", &json!({ "onBusy": "steer" }));
    let shown = one.wait_for("the message", |m| kind(m) == Some("user_message_chunk"));
    assert_eq!(shown["params"]["update"]["content"]["text"], "faster");
    assert_eq!(one.chunk().1, "steered: faster");
    // The agent does not take this one: it waits, first of all.
    let behind = one.prompt(&session, "echo behind");
    let refused = prompt(&mut one, &session, "echo refuse", &json!({ "onBusy": "steer" }));
    changed_to(&mut two, "offered");
    let taken_back = two.wait_for("two that wait", |m| m["params"]["queue"].as_array().is_some_and(|q| q.len() == 2));
    assert_eq!(taken_back["params"]["change"], "queued");

    one.cancel(&session);
    let ended = one.answer(running)["result"]["_meta"]["acp-bridge"].clone();
    let steered = two.answer(steering)["result"].clone();
    assert_eq!(steered["stopReason"], "cancelled");
    assert_eq!(steered["_meta"]["acp-bridge"]["steered"], ended["turn"]);
    assert_eq!(shown["params"]["_meta"]["acp-bridge"]["turn"], ended["turn"]);
    let first = one.answer(refused)["result"]["_meta"]["acp-bridge"].clone();
    assert!(first["seq"].as_u64() < one.answer(behind)["result"]["_meta"]["acp-bridge"]["seq"].as_u64());
    assert!(first.get("steered").is_none());
}

#[test]
fn after_a_restart_a_prompt_runs_without_a_client_only_if_it_was_told_to() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let sessions = ["run", "wait"].map(|after| {
        let session = client.new_session();
        client.prompt(&session, "wait");
        client.chunk();
        prompt(&mut client, &session, "echo later", &json!({ "key": "k", "afterRestart": after }));
        changed_to(&mut client, "queued");
        changed_to(&mut client, "queued");
        session
    });
    bridge.kill();
    bridge.restart();
    let outcomes = |session: &str, count| -> Vec<Value> {
        wait_for_records(&bridge, session, "turn_ended", count).iter().map(|end| end["outcome"].clone()).collect()
    };
    assert_eq!(outcomes(&sessions[0], 2), ["interrupted", "completed"]);
    assert_eq!(outcomes(&sessions[1], 1), ["interrupted"]);
    let mut client = bridge.client();
    client.resume(&sessions[1], None);
    assert_eq!(outcomes(&sessions[1], 2), ["interrupted", "completed"], "now that somebody is there");
    for session in &sessions {
        assert_eq!(records(&bridge, session, "turn_started").len(), 2, "nothing was run again");
    }
}

#[test]
fn the_command_line_shows_and_changes_what_waits_and_stops_all_of_it() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let running = client.prompt(&session, "wait");
    client.chunk();
    let waiting = ["one", "two"].map(|word| client.prompt(&session, &format!("echo {word}")));
    client.wait_for("two that wait", |m| m["params"]["queue"].as_array().is_some_and(|queue| queue.len() == 2));
    let (shown, status) = bridge.cli(&["queue", &session, "--json"]);
    assert!(status.success());
    let turns: Vec<String> =
        shown.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["turn"].to_string()).collect();
    let (shown, _) = bridge.cli(&["queue", &session, "move", &turns[1], "--before", &turns[0]]);
    assert!(shown.lines().next().unwrap().ends_with("echo two"), "{shown}");
    let (shown, _) = bridge.cli(&["queue", &session, "edit", &turns[0], "echo three"]);
    assert!(shown.contains("echo three") && !shown.contains("echo one"), "{shown}");
    let (shown, _) = bridge.cli(&["queue", &session, "withdraw", &turns[0]]);
    assert_eq!(shown.lines().count(), 1, "{shown}");
    assert_eq!(client.answer(waiting[0])["result"]["stopReason"], "cancelled");
    let (_, status) = bridge.cli(&["send", &session, "echo no", "--on-busy", "reject"]);
    assert_eq!(status.code(), Some(4));
    let (_, status) = bridge.cli(&["cancel", &session, "--all", "--reason", "enough"]);
    assert!(status.success());
    for id in [running, waiting[1]] {
        assert_eq!(client.answer(id)["result"]["stopReason"], "cancelled");
    }
    let (shown, _) = bridge.cli(&["queue", &session]);
    assert_eq!(shown, "");
}

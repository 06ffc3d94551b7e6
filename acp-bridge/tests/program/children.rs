//! Child sessions of the agents of a running bridge.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use crate::support::client::kind;
use crate::support::{Bridge, Client, Options};
use serde_json::{Value, json};

/// A client that understands child sessions.
fn client(bridge: &Bridge) -> Client {
    let mut client = Client::connect(&bridge.address);
    let capabilities = json!({ "subagents": {} });
    client.call("initialize", &json!({ "protocolVersion": 1, "clientCapabilities": capabilities }));
    client
}

fn of(message: &Value) -> &str {
    message["params"]["sessionId"].as_str().unwrap_or_default()
}

fn seq(message: &Value) -> u64 {
    message["params"]["_meta"]["acp-bridge"]["seq"].as_u64().unwrap()
}

/// The next update that announces a child of a session, or says something else of one.
fn told(client: &mut Client) -> Value {
    client.wait_for("subagent_update", |message| kind(message) == Some("subagent_update"))
}

fn child_of(message: &Value) -> String {
    message["params"]["update"]["sessionId"].as_str().unwrap().to_owned()
}

fn text(client: &mut Client, of_session: &str, wanted: &str) -> Value {
    client.wait_for(wanted, |message| {
        let text = message["params"]["update"]["content"]["text"].as_str();
        of(message) == of_session && text.is_some_and(|text| text.contains(wanted))
    })
}

/// Updates that were read and not asked for yet: session, kind, text.
fn kept(client: &Client) -> Vec<(String, String, String)> {
    let updates = client.kept().filter_map(|message| {
        let text = message["params"]["update"]["content"]["text"].as_str().unwrap_or_default();
        Some((of(message).to_owned(), kind(message)?.to_owned(), text.to_owned()))
    });
    updates.collect()
}

#[test]
fn a_client_that_understands_children_sees_them_and_another_sees_the_parent_alone() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut with = client(&bridge);
    let session = with.new_session();
    let mut without = bridge.client();
    without.resume(&session, Some(0));
    without.caught_up();
    let turn = with.prompt(&session, "child sub-1");
    assert_eq!(with.answer(turn)["result"]["stopReason"], "end_turn");
    let announced = told(&mut with);
    let child = child_of(&announced);
    assert_eq!((of(&announced), child.starts_with(&format!("{session}~"))), (&*session, true));
    let update = &announced["params"]["update"];
    assert_eq!((&update["title"], &update["_future"]), (&json!("Child"), &json!(100.0)), "as the agent wrote it");
    let works = text(&mut with, &child, "child works");
    assert!(seq(&works) > seq(&announced), "covered by the parent's cursor");
    let message = with.wait_for("session_message", |message| kind(message) == Some("session_message"));
    let message = &message["params"]["update"];
    assert_eq!((&message["senderSessionId"], &message["recipientSessionId"]), (&json!(session), &json!(child)));
    let call = with.wait_for("tool call", |message| kind(message) == Some("tool_call"));
    assert_eq!(call["params"]["update"]["content"][0]["sessionId"], json!(child));

    without.turn_ended();
    assert!(without.kept().all(|message| !message.to_string().contains(&child)), "{:?}", kept(&without));
    let call = without.wait_for("tool call", |message| kind(message) == Some("tool_call"));
    let content = call["params"]["update"]["content"].as_array().unwrap();
    assert_eq!((content.len(), &content[0]["type"]), (1, &json!("content")));

    // As loaded.
    let mut later = client(&bridge);
    later.load(&session);
    let of_child: Vec<_> = kept(&later).into_iter().filter(|(of, ..)| *of == child).collect();
    let kinds: Vec<_> = of_child.iter().map(|(_, kind, text)| (kind.as_str(), text.as_str())).collect();
    let joined =
        [("session_message", ""), ("session_message_chunk", "look at it"), ("agent_message_chunk", "child works")];
    assert_eq!(kinds, joined);
    let first = later.kept().position(|message| of(message) == child);
    let announced = later.kept().position(|message| kind(message) == Some("subagent_update"));
    assert!(announced < first, "announced first");
}

#[test]
fn a_permission_of_a_child_waits_survives_a_new_client_and_reaches_the_agent() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut first = client(&bridge);
    let session = first.new_session();
    first.prompt(&session, "child-ask sub-1");
    let child = child_of(&told(&mut first));
    first.wait_for("a question", |message| message["method"] == "session/request_permission");
    drop(first);
    let mut plain = bridge.client();
    plain.load(&session);
    let mut second = client(&bridge);
    second.resume(&session, None);
    let asked = second.wait_for("a question", |message| message["method"] == "session/request_permission");
    assert_eq!(of(&asked), child);
    let told_again =
        second.kept().any(|message| kind(message) == Some("subagent_update") && child_of(message) == child);
    assert!(told_again, "announced before it asks");
    second.respond(&asked["id"], &json!({ "outcome": { "outcome": "selected", "optionId": "yes" } }));
    text(&mut second, &child, "chosen");
    plain.turn_ended();
    assert!(plain.kept().all(|message| message["method"] != "session/request_permission"));
}

#[test]
fn a_cancel_of_a_child_stops_it_and_not_its_parent() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = client(&bridge);
    let session = client.new_session();
    let turn = client.prompt(&session, "child-wait sub-1");
    let child = child_of(&told(&mut client));
    text(&mut client, &child, "child waits");
    client.cancel(&child);
    let stopped = told(&mut client);
    assert_eq!(stopped["params"]["update"]["state"]["stopReason"], "cancelled");
    text(&mut client, &session, "child stopped");
    assert_eq!(client.answer(turn)["result"]["stopReason"], "end_turn");
    let refused = client.refused("session/prompt", &json!({ "sessionId": child, "prompt": [] }));
    assert_eq!(refused["code"], -32602);
}

#[test]
fn an_agent_that_ignores_the_cancel_of_a_child_is_killed_and_the_session_goes_on() {
    let bridge = Bridge::start(Options::fault_agent(&["--resume"]));
    let mut client = client(&bridge);
    let session = client.new_session();
    let turn = client.prompt(&session, "child-deaf sub-1");
    let child = child_of(&told(&mut client));
    text(&mut client, &child, "child waits");
    client.cancel(&child);
    let ended = told(&mut client);
    assert_eq!(child_of(&ended), child);
    assert_eq!(ended["params"]["update"]["state"]["state"], "idle");
    assert_eq!(ended["params"]["update"]["capabilities"], Value::Null);
    let answer = client.answer(turn);
    assert!(answer["error"].to_string().contains("child session"), "{answer}");
    let turn = client.prompt(&session, "echo on");
    assert_eq!(client.answer(turn)["result"]["stopReason"], "end_turn");
}

#[test]
fn kill_9_of_the_bridge_ends_children_for_all_and_their_ids_stay() {
    let mut bridge = Bridge::start(Options::fault_agent(&["--resume"]));
    let mut first = client(&bridge);
    let session = first.new_session();
    first.prompt(&session, "child-wait sub-1");
    let child = child_of(&told(&mut first));
    let cursor = seq(&text(&mut first, &child, "child waits"));
    bridge.kill();
    bridge.restart();
    let mut second = client(&bridge);
    second.resume(&session, Some(cursor));
    let again = told(&mut second);
    assert_eq!(child_of(&again), child, "announced again");
    second.caught_up();
    let turn = second.prompt(&session, "child-again sub-1");
    assert_eq!(second.answer(turn)["result"]["stopReason"], "end_turn");
    text(&mut second, &child, "child again");
    let mut third = client(&bridge);
    third.load(&session);
    let states: Vec<_> = third
        .kept()
        .filter(|message| kind(message) == Some("subagent_update"))
        .map(|message| message["params"]["update"]["state"]["stopReason"].as_str().unwrap_or("running").to_owned())
        .collect();
    assert_eq!(states, ["running", "error", "running", "end_turn"], "told as ended, and at work again");
}

#[test]
fn files_of_a_child_are_served_within_its_parents_directories() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = client(&bridge);
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("note"), "in the file").unwrap();
    let params = json!({ "cwd": directory.path(), "mcpServers": [] });
    let session = client.call("session/new", &params)["sessionId"].as_str().unwrap().to_owned();
    let note = directory.path().canonicalize().unwrap().join("note");
    client.prompt(&session, &format!("child-file sub-1 {}", note.display()));
    let child = child_of(&told(&mut client));
    text(&mut client, &child, "in the file");
    let turn = client.prompt(&session, "child-file sub-2 /etc/hostname");
    client.answer(turn);
    told(&mut client);
    let refused = client.kept().any(|message| message.to_string().contains("answered {\\\"code\\\""));
    assert!(refused, "{:?}", kept(&client));
}

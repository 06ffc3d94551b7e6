//! A bridge that ends while agents go on.

use serde_json::{Value, json};

use super::{prompt, stage};
use crate::support::fault_agent::{numbers, yes};
use crate::support::log::{records, wait_for_records};

#[test]
fn kill_9_of_the_bridge_in_mid_turn_ends_no_turn_and_loses_nothing() {
    let mut stage = stage();
    prompt(&mut stage.client, &stage.session, "count 2000 1");
    for kill in 0..4 {
        for _ in 0..100 * kill + 50 {
            stage.client.chunk();
        }
        stage.kill_bridge();
    }
    let ended = stage.client.turn_ended();
    assert_eq!(ended["outcome"], "completed", "{ended}");
    assert_eq!(crate::support::client::text(&stage.client.chunks()), numbers(2000), "0 lost, 0 doubled, in order");
    let started = records(&stage.bridge, &stage.session, "agent_started");
    assert_eq!(started.len(), 2, "it is the same agent: {started:?}");
    assert!(started[1]["link"]["instance"].is_string());
    let turn = prompt(&mut stage.client, &stage.session, "echo and again");
    assert_eq!(stage.client.answer(turn)["result"]["stopReason"], "end_turn");
    assert_eq!(records(&stage.bridge, &stage.session, "turn_ended").len(), 2);
}

#[test]
fn a_turn_at_full_speed_survives_kill_9_of_the_bridge() {
    let mut stage = stage();
    prompt(&mut stage.client, &stage.session, "numbered 20000");
    for _ in 0..3 {
        stage.client.chunk();
        stage.kill_bridge();
    }
    assert_eq!(stage.client.turn_ended()["outcome"], "completed");
    let text = crate::support::client::text(&stage.client.chunks());
    assert!(text.split_whitespace().map(|word| word.parse::<u64>().unwrap()).eq(1..=20000));
}

#[test]
fn a_bridge_that_is_told_to_stop_leaves_the_turn_to_the_next_one() {
    let mut stage = stage();
    prompt(&mut stage.client, &stage.session, "count 1000 1");
    stage.client.chunk();
    assert!(stage.bridge.terminate().success());
    stage.start_bridge();
    assert_eq!(stage.client.turn_ended()["outcome"], "completed");
    assert_eq!(crate::support::client::text(&stage.client.chunks()), numbers(1000));
}

#[test]
fn a_permission_survives_kill_9_of_the_bridge_and_is_answered_once() {
    let mut stage = stage();
    prompt(&mut stage.client, &stage.session, "ask");
    stage.client.wait_for("request", |m| m["method"] == "session/request_permission");
    stage.kill_bridge();
    let request = stage.client.wait_for("request", |m| m["method"] == "session/request_permission");
    stage.client.respond(&request["id"], &yes());
    assert_eq!(stage.client.turn_ended()["outcome"], "completed");
    assert!(crate::support::client::text(&stage.client.chunks()).contains("yes"));
    assert_eq!(records(&stage.bridge, &stage.session, "permission_requested").len(), 1);
}

#[test]
fn a_stop_after_kill_9_of_the_bridge_reaches_the_agent_when_it_is_back() {
    let mut stage = stage();
    prompt(&mut stage.client, &stage.session, "wait");
    stage.client.chunk();
    stage.proxy.bar();
    stage.kill_bridge();
    let params = json!({ "sessionId": stage.session, "_meta": { "acp-bridge": { "lane": "far" } } });
    stage.client.notify("session/cancel", &params);
    wait_for_records(&stage.bridge, &stage.session, "cancel_requested", 1);
    stage.proxy.open();
    assert_eq!(stage.client.turn_ended()["outcome"], "cancelled");
    assert_eq!(records(&stage.bridge, &stage.session, "agent_started").len(), 2, "it is the same agent");
}

#[test]
fn an_agent_that_dies_with_the_bridge_has_its_turn_interrupted() {
    let mut stage = stage();
    prompt(&mut stage.client, &stage.session, "wait");
    stage.client.chunk();
    stage.dialler.kill();
    stage.kill_bridge();
    let _again = stage.dial();
    assert_eq!(stage.client.turn_ended()["outcome"], "interrupted");
    let turn = prompt(&mut stage.client, &stage.session, "echo back");
    assert_eq!(stage.client.answer(turn)["result"]["stopReason"], "end_turn");
}

#[test]
fn an_idle_agent_is_the_same_one_after_kill_9_of_the_bridge() {
    let mut stage = stage();
    stage.kill_bridge();
    let turn = prompt(&mut stage.client, &stage.session, "pid");
    let (answer, chunks) = stage.client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert_eq!(crate::support::client::text(&chunks), std::fs::read_to_string(stage.pid_file()).unwrap());
    assert_eq!(records(&stage.bridge, &stage.session, "agent_started").len(), 2);
}

#[test]
fn a_prompt_that_never_reached_the_agent_is_given_to_it_after_a_restart_of_the_bridge() {
    let mut stage = stage();
    stage.proxy.bar();
    prompt(&mut stage.client, &stage.session, "echo once");
    wait_for_records(&stage.bridge, &stage.session, "turn_started", 1);
    stage.kill_bridge();
    stage.proxy.open();
    assert_eq!(stage.client.turn_ended()["outcome"], "completed");
    assert_eq!(crate::support::client::text(&stage.client.chunks()), "once");
    assert_eq!(records(&stage.bridge, &stage.session, "agent_started").len(), 2, "it is the same agent");
}

#[test]
fn what_was_decided_and_never_reached_the_agent_reaches_it_after_a_restart_of_the_bridge() {
    let mut stage = stage();
    prompt(&mut stage.client, &stage.session, "ask");
    let request = stage.client.wait_for("request", |m| m["method"] == "session/request_permission");
    stage.proxy.bar();
    stage.client.respond(&request["id"], &yes());
    wait_for_records(&stage.bridge, &stage.session, "permission_resolved", 1);
    stage.kill_bridge();
    stage.proxy.open();
    assert_eq!(stage.client.turn_ended()["outcome"], "completed");
    assert!(crate::support::client::text(&stage.client.chunks()).contains("yes"));

    prompt(&mut stage.client, &stage.session, "wait");
    stage.client.chunk();
    stage.proxy.bar();
    let params = json!({ "sessionId": stage.session, "_meta": { "acp-bridge": { "lane": "far" } } });
    stage.client.notify("session/cancel", &params);
    wait_for_records(&stage.bridge, &stage.session, "cancel_requested", 1);
    stage.kill_bridge();
    stage.proxy.open();
    let of_the_second = |m: &Value| m["method"] == "_acp-bridge/turn_ended" && m["params"]["outcome"] == "cancelled";
    stage.client.wait_for("the end of the turn", of_the_second);
    assert_eq!(records(&stage.bridge, &stage.session, "agent_started").len(), 2, "it is the same agent");
}

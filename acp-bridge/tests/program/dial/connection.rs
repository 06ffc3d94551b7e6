//! A connection that breaks.

use serde_json::json;

use super::{prompt, stage};
use crate::support::fault_agent::{numbers, yes};
use crate::support::log::{records, wait_for_records};

#[test]
fn nothing_is_lost_or_doubled_when_the_connection_is_cut_again_and_again() {
    let mut stage = stage();
    let turn = prompt(&mut stage.client, &stage.session, "count 3000 1");
    for cut in 0..25 {
        for _ in 0..=(cut * 7 % 23) {
            stage.client.chunk();
        }
        let before = stage.proxy.accepted();
        stage.proxy.cut();
        stage.proxy.wait_for_another(before);
    }
    let answer = stage.client.answer(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn", "{answer}");
    let mut reader = stage.bridge.client();
    reader.resume(&stage.session, Some(0));
    reader.caught_up();
    assert_eq!(crate::support::client::text(&reader.chunks()), numbers(3000), "0 lost, 0 doubled, in order");
    assert!(stage.proxy.accepted() > 25, "only {} connections", stage.proxy.accepted());
    assert_eq!(records(&stage.bridge, &stage.session, "agent_started").len(), 2, "it is the same agent");
}

#[test]
fn an_agent_at_full_speed_waits_for_a_connection_and_loses_nothing() {
    let mut stage = stage();
    stage.proxy.cut();
    // More than the link keeps.
    let turn = prompt(&mut stage.client, &stage.session, "numbered 60000");
    for _ in 0..6 {
        stage.client.chunk();
        let before = stage.proxy.accepted();
        stage.proxy.cut();
        stage.proxy.wait_for_another(before);
    }
    assert_eq!(stage.client.answer(turn)["result"]["stopReason"], "end_turn");
    let mut reader = stage.bridge.client();
    reader.resume(&stage.session, Some(0));
    reader.caught_up();
    let text = crate::support::client::text(&reader.chunks());
    assert!(text.split_whitespace().map(|word| word.parse::<u64>().unwrap()).eq(1..=60000));
}

#[test]
fn a_permission_that_is_asked_while_the_connection_is_away_is_asked_once_it_is_back() {
    let mut stage = stage();
    let turn = prompt(&mut stage.client, &stage.session, "late 100");
    stage.client.chunk();
    let before = stage.proxy.accepted();
    stage.proxy.bar();
    stage.proxy.wait_for_another(before);
    stage.proxy.open();
    let request = stage.client.wait_for("request", |m| m["method"] == "session/request_permission");
    let before = stage.proxy.accepted();
    stage.proxy.bar();
    stage.client.respond(&request["id"], &yes());
    stage.proxy.wait_for_another(before);
    stage.proxy.open();
    let (answer, chunks) = stage.client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert!(crate::support::client::text(&chunks).contains("yes"));
    assert_eq!(records(&stage.bridge, &stage.session, "permission_requested").len(), 1);
}

#[test]
fn a_stop_while_the_connection_is_away_reaches_the_agent() {
    let mut stage = stage();
    let turn = prompt(&mut stage.client, &stage.session, "wait");
    stage.client.chunk();
    let before = stage.proxy.accepted();
    stage.proxy.bar();
    let params = json!({ "sessionId": stage.session, "_meta": { "acp-bridge": { "lane": "far" } } });
    stage.client.notify("session/cancel", &params);
    wait_for_records(&stage.bridge, &stage.session, "cancel_requested", 1);
    stage.proxy.wait_for_another(before);
    stage.proxy.open();
    assert_eq!(stage.client.answer(turn)["result"]["stopReason"], "cancelled");
}

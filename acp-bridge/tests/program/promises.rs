//! The promises, shown on a running bridge over the wire. P9 is shown on the log: `log_suite.rs`.

use crate::support::client::text;
use crate::support::fault_agent::numbers;
use crate::support::log::rows;
use crate::support::process::wait_until_gone;
use crate::support::{Bridge, Options};
use serde_json::{Value, json};

#[test]
fn p1_every_client_sees_one_order_and_seqs_have_no_gaps_in_the_log() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let (mut one, mut two) = (bridge.client(), bridge.client());
    let session = one.new_session();
    two.resume(&session, Some(0));
    let turn = one.prompt(&session, "count 200 0");
    let (_, seen_by_one) = one.turn(turn);
    two.turn_ended();
    let seen_by_two = two.chunks();
    assert_eq!(seen_by_one, seen_by_two);
    assert!(seen_by_one.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert_eq!(text(&seen_by_one), numbers(200));

    let seqs: Vec<u64> = rows(&bridge, &session).iter().map(|row| row.seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "seqs are 1, 2, 3 … without gaps");
}

#[test]
fn p2_what_a_client_saw_survives_kill_9_right_after_it_was_seen() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "flood 20000");
    let (answer, seen) = client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    bridge.kill();
    bridge.restart();

    let mut client = bridge.client();
    client.resume(&session, Some(0));
    client.caught_up();
    assert_eq!(client.chunks(), seen);
}

#[test]
fn p3_a_reader_gets_exactly_what_came_after_its_cursor_whatever_mix_of_history_and_live() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    client.prompt(&session, "count 600 1");
    let mut seen = Vec::new();
    let mut cursor = 0;
    // Every reader is cut after some updates, in mid-stream; the next one goes on at its cursor.
    for cut in 0..20 {
        let mut reader = bridge.client();
        reader.resume(&session, Some(cursor));
        for _ in 0..=(cut * 7 % 29) {
            let (seq, chunk) = reader.chunk();
            seen.push((seq, chunk));
            cursor = seq;
        }
    }
    let mut reader = bridge.client();
    reader.resume(&session, Some(cursor));
    reader.turn_ended();
    seen.extend(reader.chunks());
    assert_eq!(text(&seen), numbers(600), "0 lost, 0 doubled, in order");
}

#[test]
fn p3_a_cursor_beyond_the_log_is_an_error_that_names_the_latest() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let error = client.refused(
        "session/resume",
        &json!({ "sessionId": session, "cwd": "/", "mcpServers": [], "_meta": { "acp-bridge": { "after": 4711 } } }),
    );
    assert_eq!(error["code"], -32602);
    assert!(error["data"]["latest"].as_u64().is_some_and(|latest| (1..100).contains(&latest)), "{error}");
}

#[test]
fn p4_losing_every_client_changes_no_turn() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    client.prompt(&session, "count 100 2");
    client.chunk();
    drop(client);

    let mut later = bridge.client();
    later.resume(&session, Some(0));
    let ended = later.turn_ended();
    assert_eq!(ended["outcome"], "completed");
    assert_eq!(text(&later.chunks()), numbers(100));
}

#[test]
fn p5_a_cancel_reaches_the_agent_and_ends_the_turn() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "wait");
    client.chunk();
    client.cancel(&session);
    let (answer, _) = client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "cancelled");
    let turn = client.prompt(&session, "echo still here");
    let (answer, chunks) = client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert_eq!(text(&chunks), "still here");
}

#[test]
fn p5_an_agent_that_ignores_the_cancel_is_killed_restarted_and_the_session_goes_on() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "pid");
    let first = text(&client.turn(turn).1);
    let turn = client.prompt(&session, "hang");
    client.chunk();
    client.cancel(&session);
    let (answer, _) = client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "cancelled");
    wait_until_gone(&first);
    let turn = client.prompt(&session, "pid");
    let (answer, chunks) = client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert_ne!(text(&chunks), first);
    assert!(!text(&chunks).contains("REPLAYED"), "the agent's own replay is suppressed");
}

#[test]
fn p5_cancelling_an_idle_session_does_nothing_and_leaks_into_no_turn() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    client.cancel(&session);
    let turn = client.prompt(&session, "count 20 1");
    let (answer, chunks) = client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert_eq!(text(&chunks), numbers(20));
}

#[test]
fn p6_a_prompt_sent_again_with_its_key_runs_once_while_running_and_after() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let mut one = bridge.client();
    let session = one.new_session();
    one.prompt_with_key(&session, "count 100 2", "k1");
    one.chunk();
    drop(one);

    let mut two = bridge.client();
    two.resume(&session, Some(0));
    let again = two.prompt_with_key(&session, "count 100 2", "k1");
    let (answer, chunks) = two.turn(again);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert_eq!(text(&chunks), numbers(100), "the retry attached to the turn that ran");

    bridge.kill();
    bridge.restart();
    let mut three = bridge.client();
    three.resume(&session, None);
    let finished = three.prompt_with_key(&session, "count 100 2", "k1");
    let (answer, chunks) = three.turn(finished);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert_eq!(text(&chunks), "", "it did not run again");
}

#[test]
fn p7_a_turn_ends_as_interrupted_when_the_bridge_is_killed() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    client.prompt(&session, "count 10000 2");
    let (seq, _) = client.chunk();
    bridge.kill();
    bridge.restart();
    let mut client = bridge.client();
    client.resume(&session, Some(seq));
    assert_eq!(client.turn_ended()["outcome"], "interrupted");
    let turn = client.prompt(&session, "echo back again");
    assert_eq!(text(&client.turn(turn).1).trim_start_matches(|c: char| c.is_ascii_digit() || c == ' '), "back again");
}

#[test]
fn p7_a_turn_ends_as_interrupted_when_the_agent_dies() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    for word in ["die", "crash"] {
        let turn = client.prompt(&session, word);
        let (answer, _) = client.turn(turn);
        assert_eq!(answer["error"]["data"]["acp-bridge"]["outcome"], "interrupted", "{answer}");
    }
    let turn = client.prompt(&session, "echo alive");
    assert_eq!(text(&client.turn(turn).1), "alive");
}

#[test]
fn p7_a_turn_ends_as_interrupted_when_the_bridge_is_told_to_stop() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "wait");
    client.chunk();
    let status = bridge.terminate();
    assert_eq!(status.code(), Some(0));
    let (answer, _) = client.turn(turn);
    assert_eq!(answer["error"]["data"]["acp-bridge"]["outcome"], "interrupted", "{answer}");
}

#[test]
fn p8_a_permission_asked_while_nobody_is_attached_waits_and_is_answered_once() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    client.prompt(&session, "ask");
    drop(client);

    let (mut one, mut two) = (bridge.client(), bridge.client());
    one.load(&session);
    let asked = |m: &Value| m["method"] == "session/request_permission";
    let to_one = one.wait_for("permission request", asked);
    two.resume(&session, None);
    let to_two = two.wait_for("permission request", asked);
    assert_eq!(to_one["params"]["toolCall"]["_future"], 1);
    let answer = |option: &str| json!({ "outcome": { "outcome": "selected", "optionId": option } });
    one.respond(&to_one["id"], &answer("yes"));
    let cancelled = two.wait_for("$/cancel_request", |m| m["method"] == "$/cancel_request");
    assert_eq!(cancelled["params"]["requestId"], to_two["id"]);
    two.respond(&to_two["id"], &answer("no"));
    two.turn_ended();
    assert!(text(&two.chunks()).contains("\"yes\""), "the first answer counts");
}

#[test]
fn p8_a_cancel_answers_the_pending_permission() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "ask");
    client.wait_for("permission request", |m| m["method"] == "session/request_permission");
    client.cancel(&session);
    let (answer, chunks) = client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "cancelled");
    assert!(text(&chunks).contains("cancelled"), "{chunks:?}");
}

#[test]
fn p10_a_client_that_stops_reading_slows_nobody_costs_little_and_gets_everything() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut prompting = bridge.client();
    let session = prompting.new_session();
    let mut stalled = bridge.client();
    stalled.resume(&session, Some(0));
    let before = bridge.memory();
    for _ in 0..2 {
        let turn = prompting.prompt(&session, "flood 50000");
        let (answer, chunks) = prompting.turn(turn);
        assert_eq!(answer["result"]["stopReason"], "end_turn");
        assert_eq!(chunks.len(), 50_000);
    }
    let grown = bridge.memory().saturating_sub(before);
    assert!(grown < 40 << 20, "the bridge grew by {} MiB for 25 MB that one client has not read", grown >> 20);
    stalled.turn_ended();
    stalled.turn_ended();
    assert_eq!(stalled.chunks().len(), 100_000);
}

#[test]
fn p11_what_the_agent_sent_arrives_byte_for_byte() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    client.prompt(&session, "lossless");
    client.wait_for("odd update", |m| crate::support::client::kind(m) == Some("_later"));
    let sent = format!(
        r#"{{"zeta":1e2,"sessionId":"{session}","update":{{"sessionUpdate":"_later","big":123456789012345678901234567890,"exp":1E+2,"content":[null,"\u00e9"]}},"alpha":{{"b":1,"a":2}},"#
    );
    assert!(client.wire.last_raw.contains(&sent), "{}", client.wire.last_raw);
}

#[test]
fn p11_capabilities_results_and_errors_keep_what_the_bridge_does_not_know() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = crate::support::Client::connect(&bridge.address);
    let result = client.initialize();
    assert_eq!(result["agentCapabilities"]["_future"], json!({ "kept": 1 }));
    let session = client.new_session();
    let turn = client.prompt(&session, "echo x");
    let (answer, _) = client.turn(turn);
    assert!(client.wire.last_raw.contains(r#""_future":[100.0,30]"#), "{}", client.wire.last_raw);
    assert_eq!(answer["result"]["_meta"]["acp-bridge"]["outcome"], "completed");
    let turn = client.prompt(&session, "fail");
    let (answer, _) = client.turn(turn);
    assert_eq!(answer["error"], json!({ "code": 4711, "message": "told to fail", "data": { "n": 100.0 } }));
}

#[test]
fn a_drained_bridge_leaves_no_agent_behind() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "pid");
    let pid = text(&client.turn(turn).1);
    bridge.terminate();
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn a_killed_bridge_leaves_no_agent_behind() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "pid");
    let pid = text(&client.turn(turn).1);
    client.prompt(&session, "hang");
    client.chunk();
    bridge.kill();
    wait_until_gone(&pid);
}

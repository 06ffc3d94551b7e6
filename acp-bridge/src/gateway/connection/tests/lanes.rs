//! Clients that see some lanes of a session and not the others.

use acp_types::record::body::LaneJoined;
use acp_types::record::{Kind, Origin};
use serde_json::{Value, json};

use super::kit::{Kit, Log};
use crate::gateway::attachment::AttachmentId;
use crate::log::LogError;

/// A session with the lanes `main` and `b`.
fn two_lanes() -> Log {
    let mut log = Log::new();
    log.within("b").add(
        Kind::LaneJoined,
        None,
        Origin::Host,
        &LaneJoined { agent: "helper".into(), by: None, dialled: false },
    );
    log
}

/// Attaches behind a cursor and sees these lanes.
fn open(kit: &mut Kit, method: &str, after: u64, lanes: &Value, log: &Log) -> AttachmentId {
    let meta = match method {
        "session/load" => json!({ "lanes": lanes }),
        _ => json!({ "after": after, "lanes": lanes }),
    };
    kit.request(1, method, &json!({ "sessionId": "s", "cwd": "/", "mcpServers": [], "_meta": { "acp-bridge": meta } }));
    kit.opened(log, after)
}

#[test]
fn history_and_what_comes_are_shown_of_the_lanes_that_are_named_and_the_cursor_moves_over_the_rest() {
    let mut log = two_lanes();
    let in_main = log.within("main").prompt("other");
    log.chunk(in_main, "main 1");
    let in_b = log.within("b").prompt("other");
    log.chunk(in_b, "b 1");
    let head = log.within("main").chunk(in_main, "main 2");
    let mut kit = Kit::ready();
    let attachment = open(&mut kit, "session/resume", 0, &json!(["b"]), &log);
    kit.connection.records(attachment, log.after(0));
    assert_eq!(kit.shown(), ["answer 1", "other says", "b 1", "_acp-bridge/caught_up"]);
    log.chunk(in_main, "main 3");
    log.within("b").chunk(in_b, "b 2");
    let last = log.within("main").chunk(in_main, "main 4");
    kit.connection.records(attachment, log.after(head));
    assert_eq!(kit.shown(), ["b 2"]);
    assert_eq!(kit.connection.attached().next().map(|(_, cursor)| cursor), Some(last));
}

#[test]
fn a_load_joins_what_is_shown_across_what_is_not() {
    let mut log = two_lanes();
    let in_b = log.within("b").prompt("other");
    let in_main = log.within("main").prompt("other");
    log.chunk(in_main, "one ");
    log.within("b").chunk(in_b, "not seen");
    log.within("main").chunk(in_main, "message");
    let mut kit = Kit::ready();
    let attachment = open(&mut kit, "session/load", 0, &json!(["main"]), &log);
    kit.connection.records(attachment, log.after(0));
    assert_eq!(kit.shown(), ["other says", "one message", "answer 1"]);
}

#[test]
fn the_end_of_a_turn_is_told_of_lanes_that_are_shown() {
    let mut log = two_lanes();
    let in_main = log.within("main").prompt("other");
    let in_b = log.within("b").prompt("other");
    let head = log.records.len() as u64;
    let mut kit = Kit::ready();
    let attachment = open(&mut kit, "session/resume", head, &json!(["b"]), &log);
    kit.out();
    log.within("main").end(in_main);
    kit.connection.records(attachment, log.after(head));
    assert!(kit.out().is_empty());
    log.within("b").end(in_b);
    kit.connection.records(attachment, log.after(head + 1));
    assert_eq!(kit.only()["params"]["turn"], json!(in_b));
}

#[test]
fn a_prompt_of_ones_own_is_answered_wherever_it_runs_and_what_its_agent_asks_is_asked() {
    let mut log = two_lanes();
    let mut kit = Kit::ready();
    let head = log.records.len() as u64;
    let attachment = open(&mut kit, "session/resume", head, &json!(["b"]), &log);
    kit.out();
    let others = log.within("main").prompt("other");
    log.ask(Some(others));
    log.end(others);
    kit.connection.records(attachment, log.after(head));
    assert!(kit.out().is_empty(), "nobody asks for what is not seen");
    let head = log.records.len() as u64;
    let mine = log.prompt("me");
    kit.prompt(2, mine);
    log.chunk(mine, "not seen");
    log.ask(Some(mine));
    log.end(mine);
    kit.connection.records(attachment, log.after(head));
    assert_eq!(kit.shown(), ["ask 1", "answer 2"]);
}

#[test]
fn what_is_asked_in_a_lane_that_is_shown_is_asked_of_whoever_comes() {
    let mut log = two_lanes();
    log.within("main").ask(None);
    log.within("b").ask(None);
    let head = log.records.len() as u64;
    let mut kit = Kit::ready();
    open(&mut kit, "session/resume", head, &json!(["b"]), &log);
    assert_eq!(kit.shown(), ["answer 1", "_acp-bridge/caught_up", "ask 1"]);
}

#[test]
fn a_log_that_cannot_be_written_is_told_of_the_turns_in_lanes_that_are_shown() {
    let mut log = two_lanes();
    log.within("main").prompt("other");
    let in_b = log.within("b").prompt("other");
    let head = log.records.len() as u64;
    let mut kit = Kit::ready();
    let attachment = open(&mut kit, "session/resume", head, &json!(["b"]), &log);
    kit.out();
    kit.connection.tail_failed(attachment, LogError::Unwritable { reason: "full".into() });
    assert_eq!(kit.only()["params"]["turn"], json!(in_b));
}

#[test]
fn a_lane_that_is_not_there_yet_can_be_named_and_no_lane_is_none() {
    let mut log = Log::new();
    let head = log.records.len() as u64;
    let (mut named, mut none) = (Kit::ready(), Kit::ready());
    let attachments = [
        open(&mut named, "session/resume", head, &json!(["later"]), &log),
        open(&mut none, "session/resume", head, &json!([]), &log),
    ];
    named.out();
    none.out();
    let joined = LaneJoined { agent: "helper".into(), by: None, dialled: false };
    log.within("later").add(Kind::LaneJoined, None, Origin::Host, &joined);
    log.say(Origin::Agent, "agent_message_chunk", None, "here");
    named.connection.records(attachments[0], log.after(head));
    none.connection.records(attachments[1], log.after(head));
    assert_eq!(named.shown(), ["here"]);
    assert!(none.shown().is_empty());
}

#[test]
fn how_a_question_was_answered_is_told_of_lanes_that_are_shown() {
    let mut log = two_lanes();
    let questions = [log.within("main").ask(None), log.within("b").ask(None)];
    let head = log.records.len() as u64;
    let mut kit = Kit::ready();
    let meta = json!({ "acp-bridge": { "lanes": ["b"] } });
    let params = json!({ "role": "observer", "historyPolicy": "none", "_meta": meta });
    let attachment = kit.attach(1, &params, &log, head);
    kit.out();
    log.within("main").resolve(questions[0]);
    log.within("b").resolve(questions[1]);
    kit.connection.records(attachment, log.after(head));
    assert_eq!(kit.shown(), [format!("permission_resolved {}", questions[1])]);
}

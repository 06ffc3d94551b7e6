//! Coming to a session: what is shown first, and in which order.

use acp_types::record::{Kind, Origin};
use serde_json::{Value, json};

use super::kit::{Kit, Log, raw};
use crate::gateway::connection::{Effect, EffectOutcome};
use crate::log::LogError;
use crate::session::{Refusal, Reply};
use crate::view::RequestError;

#[test]
fn a_new_session_is_shown_from_its_first_update_after_the_answer() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let mut log = Log::new();
    log.say(Origin::Agent, "available_commands_update", None, "early");
    kit.connection.records(attachment, log.after(0));
    assert_eq!(kit.shown(), ["early"]);
}

#[test]
fn load_shows_history_joined_then_answers_then_asks_then_goes_on() {
    let mut log = Log::new();
    let turn = log.prompt("other");
    log.chunk(turn, "a");
    log.chunk(turn, "b");
    log.ask(Some(turn));
    let mut kit = Kit::ready();
    let (attachment, _) = kit.open(7, "session/load", None, &log);
    assert!(kit.out().is_empty(), "the answer waits for the history");
    log.chunk(turn, "live");
    kit.connection.records(attachment, &log.records[..5]);
    kit.connection.records(attachment, log.after(5));
    assert_eq!(kit.shown(), ["other says", "ab", "answer 7", "ask 1", "live"]);
}

#[test]
fn load_of_an_empty_session_is_answered_at_once() {
    let mut kit = Kit::ready();
    kit.open(7, "session/load", None, &Log::default());
    assert_eq!(kit.only(), json!({ "id": 7, "result": { "opened": 1 } }));
}

#[test]
fn history_shows_how_turns_ended_and_what_was_said_outside_acp() {
    let mut log = Log::new();
    let turn = log.prompt("other");
    log.chunk(turn, "a");
    log.add(Kind::Extension, Some(turn), Origin::Agent, &json!({ "method": "_x/y", "params": { "n": 1 } }));
    log.chunk(turn, "b");
    log.end(turn);
    let mut kit = Kit::ready();
    let (attachment, _) = kit.open(7, "session/load", None, &log);
    kit.connection.records(attachment, log.after(0));
    assert_eq!(kit.shown(), ["other says", "a", "_x/y", "b", "_acp-bridge/turn_ended", "answer 7"]);
}

#[test]
fn resume_answers_then_shows_what_followed_the_cursor_then_says_that_it_is_live() {
    let mut log = Log::new();
    let turn = log.prompt("me");
    log.chunk(turn, "a");
    log.chunk(turn, "b");
    let request = log.ask(Some(turn));
    let mut kit = Kit::ready();
    let (attachment, after) = kit.open(7, "session/resume", Some(3), &log);
    assert_eq!(kit.only(), json!({ "id": 7, "result": { "opened": 1 } }));
    kit.connection.records(attachment, log.after(after));
    let out = kit.out();
    let caught_up = &out[out.len() - 2];
    assert_eq!(caught_up["method"], "_acp-bridge/caught_up");
    assert_eq!(caught_up["params"], json!({ "sessionId": "s", "seq": request }));
    assert_eq!(out[0]["params"]["update"]["content"]["text"], "me says", "history shows one's own words too");
    assert_eq!(out[1]["params"]["_meta"]["acp-bridge"]["seq"], 6);
    assert_eq!(out.last().unwrap()["ask"], 1);
}

#[test]
fn resume_from_the_head_is_live_at_once() {
    let log = Log::new();
    let mut kit = Kit::ready();
    kit.open(7, "session/resume", Some(2), &log);
    assert_eq!(kit.shown(), ["answer 7", "_acp-bridge/caught_up"]);
}

#[test]
fn resume_without_a_cursor_shows_only_what_comes() {
    let mut log = Log::new();
    let turn = log.prompt("other");
    let mut kit = Kit::ready();
    let (attachment, after) = kit.open(7, "session/resume", None, &log);
    log.chunk(turn, "live");
    kit.connection.records(attachment, log.after(after));
    assert_eq!(kit.shown(), ["answer 7", "live"]);
}

#[test]
fn a_session_that_cannot_be_opened_is_refused_and_can_be_tried_again() {
    let mut kit = Kit::ready();
    for _ in 0..2 {
        kit.request(7, "session/load", &json!({ "sessionId": "s", "cwd": "/" }));
        let Effect::Open { session, coming, id, .. } = kit.effect() else { panic!() };
        let opened = Err(RequestError::no_session(&session));
        kit.connection.done(EffectOutcome::Opened { session, coming, id, opened });
        assert_eq!(kit.only()["error"]["data"]["sessionId"], "s");
    }
}

#[test]
fn attaching_again_replaces_the_attachment_and_keeps_what_waits() {
    let mut kit = Kit::ready();
    let first = kit.created("s");
    let mut log = Log::new();
    let turn = log.prompt("me");
    log.ask(Some(turn));
    kit.prompt(2, turn);
    kit.connection.records(first, log.after(0));
    assert_eq!(kit.shown(), ["ask 1"]);

    kit.request(3, "session/load", &json!({ "sessionId": "s", "cwd": "/" }));
    let Effect::Open { session, coming, id, .. } = kit.effect() else { panic!() };
    let opened = crate::gateway::connection::Opened { result: raw("{}"), seen: log.seen(), follower: None, after: 0 };
    kit.connection.done(EffectOutcome::Opened { session, coming, id, opened: Ok(Box::new(opened)) });
    let effects = kit.effects();
    let [Effect::Untail { attachment: gone }, Effect::Tail { attachment: second, .. }] = effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(gone, first);
    log.end(turn);
    kit.connection.records(first, log.after(4));
    assert_eq!(kit.shown(), ["cancel 1"], "the old tail is no longer heard");
    kit.connection.records(second, log.after(0));
    assert_eq!(kit.shown(), ["me says", "answer 3", "ask 2", "answer 2"]);
}

#[test]
fn a_load_that_another_one_replaces_is_answered() {
    let mut log = Log::new();
    log.prompt("other");
    let mut kit = Kit::ready();
    kit.open(7, "session/load", None, &log);
    kit.request(8, "session/load", &json!({ "sessionId": "s", "cwd": "/" }));
    let Effect::Open { session, coming, id, .. } = kit.effect() else { panic!() };
    let opened = crate::gateway::connection::Opened { result: raw("{}"), seen: log.seen(), follower: None, after: 0 };
    kit.connection.done(EffectOutcome::Opened { session, coming, id, opened: Ok(Box::new(opened)) });
    let answer = kit.only();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(7), &json!(-32600)));
}

#[test]
fn close_ends_the_attachment_when_everything_up_to_it_has_been_shown() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let mut log = Log::new();
    let turn = log.prompt("me");
    kit.prompt(2, turn);
    kit.request(3, "session/close", &json!({ "sessionId": "s" }));
    let Effect::Close { session, id } = kit.effect() else { panic!() };
    let head = log.end(turn);
    kit.connection.done(EffectOutcome::Closed { session, id, head: Ok(head) });
    assert!(kit.out().is_empty());
    kit.connection.records(attachment, log.after(0));
    assert_eq!(kit.shown(), ["answer 2", "answer 3"]);
    assert!(matches!(kit.effect(), Effect::Untail { .. }));
    kit.request(4, "session/prompt", &json!({ "sessionId": "s", "prompt": [] }));
    assert_eq!(kit.only()["error"]["code"], -32002);
}

#[test]
fn close_waits_for_a_prompt_whose_turn_is_not_known_yet() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let mut log = Log::new();
    let turn = log.prompt("me");
    let head = log.end(turn);
    kit.request(2, "session/prompt", &json!({ "sessionId": "s", "prompt": [] }));
    let Effect::Submit { then, .. } = kit.effect() else { panic!() };
    kit.request(3, "session/close", &json!({ "sessionId": "s" }));
    let Effect::Close { session, id } = kit.effect() else { panic!() };
    kit.connection.done(EffectOutcome::Closed { session, id, head: Ok(head) });
    kit.connection.records(attachment, log.after(0));
    assert!(kit.out().is_empty());
    kit.connection.done(EffectOutcome::Submitted { then, answer: Ok(Reply::Turn(turn)) });
    assert_eq!(kit.shown(), ["answer 2", "answer 3"]);
}

#[test]
fn close_of_a_session_that_is_not_attached_is_just_answered() {
    let mut kit = Kit::ready();
    kit.request(3, "session/close", &json!({ "sessionId": "s" }));
    let Effect::Close { session, id } = kit.effect() else { panic!() };
    kit.connection.done(EffectOutcome::Closed { session, id, head: Ok(9) });
    assert_eq!(kit.only(), json!({ "id": 3, "result": {} }));
}

#[test]
fn deleting_what_is_not_there_succeeds() {
    let mut kit = Kit::ready();
    kit.request(3, "session/delete", &json!({ "sessionId": "s" }));
    kit.answer(Err(Refusal::UnknownSession { session: "s".into() }));
    assert_eq!(kit.only(), json!({ "id": 3, "result": {} }));
    kit.request(4, "session/delete", &json!({ "sessionId": "s" }));
    let why = Refusal::LogUnwritable { reason: "the disk is full".into() };
    kit.answer(Err(why.clone()));
    assert_eq!(kit.only()["error"]["message"], why.to_string());
}

#[test]
fn a_deleted_session_ends_the_attachment_and_what_waits() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let mut log = Log::new();
    let turn = log.prompt("me");
    log.ask(Some(turn));
    kit.prompt(2, turn);
    kit.connection.records(attachment, log.after(0));
    kit.out();
    assert!(!kit.connection.tail_failed(attachment, LogError::NotFound { session: "s".into() }));
    let out = kit.out();
    assert_eq!((&out[0]["id"], &out[0]["error"]["code"]), (&json!(2), &json!(-32002)));
    assert_eq!(out[1], json!({ "cancel": 1 }));
    assert_eq!((&out[2]["method"], &out[2]["params"]["sessionId"]), (&json!("_acp-bridge/detached"), &json!("s")));
    assert_eq!(out[2]["params"]["error"]["code"], -32002);
    kit.request(4, "session/prompt", &json!({ "sessionId": "s", "prompt": [] }));
    assert_eq!(kit.only()["error"]["code"], -32002);
}

#[test]
fn a_notice_is_of_its_moment_and_of_what_a_cursor_has_missed() {
    let mut kit = Kit::new();
    let capabilities = json!({ "session": { "notices": {} } });
    kit.request(0, "initialize", &json!({ "protocolVersion": 1, "clientCapabilities": capabilities }));
    kit.answer(Ok(Reply::Agent(Ok(raw("{}")))));
    kit.out();
    let mut log = Log::new();
    let notice = json!({ "sessionUpdate": "notice", "severity": "info", "title": "t" });
    let params = json!({ "sessionId": "s", "update": notice });
    log.add(Kind::Update, None, Origin::Agent, &params);
    let notices = |out: Vec<Value>| out.iter().filter(|m| m["params"]["update"]["sessionUpdate"] == "notice").count();
    let (attachment, _) = kit.open(1, "session/load", None, &log);
    kit.connection.records(attachment, log.after(0));
    assert_eq!(notices(kit.out()), 0, "it is not replayed");
    let head = log.state().head();
    log.add(Kind::Update, None, Origin::Agent, &params);
    kit.connection.records(attachment, log.after(head));
    assert_eq!(notices(kit.out()), 1, "it is live");
    let (attachment, after) = kit.open(2, "session/resume", Some(head), &log);
    kit.connection.records(attachment, log.after(after));
    assert_eq!(notices(kit.out()), 1, "it was missed");
}

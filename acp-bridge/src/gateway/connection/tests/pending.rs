//! Requests of agents: who is asked, and whose answer counts.

use acp_types::record::{Kind, Origin};
use serde_json::json;

use super::kit::{Kit, Log, raw};
use crate::session::Command;

#[test]
fn the_client_that_prompted_is_asked_and_its_answer_reaches_the_host() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let mut log = Log::new();
    let turn = log.prompt("me");
    let request = log.ask(Some(turn));
    kit.connection.records(attachment, log.after(0));
    assert_eq!(
        kit.only(),
        json!({ "ask": 1, "method": "session/request_permission", "params": { "sessionId": "s", "options": [] } })
    );
    kit.respond(1, &json!({ "outcome": { "outcome": "cancelled" }, "x": 1 }));
    let answer = Ok(raw(r#"{"outcome":{"outcome":"cancelled"},"x":1}"#));
    assert_eq!(kit.command(), (Some("s".into()), Command::Answer { request, answer }));
    log.resolve(request);
    kit.connection.records(attachment, log.after(6));
    assert!(kit.out().is_empty(), "it has answered itself");
}

#[test]
fn an_error_is_an_answer_too() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let mut log = Log::new();
    let turn = log.prompt("me");
    let request = log.add(
        Kind::Request,
        Some(turn),
        Origin::Agent,
        &json!({ "method": "_x/ask", "params": { "sessionId": "s" } }),
    );
    kit.connection.records(attachment, log.after(0));
    assert_eq!(kit.only()["method"], "_x/ask");
    kit.respond_error(1, &json!({ "code": -32601, "message": "no" }));
    let (_, command) = kit.command();
    let Command::Answer { request: answered, answer: Err(error) } = command else { panic!("{command:?}") };
    assert_eq!((answered, error.as_raw().member("code").unwrap().as_str()), (request, "-32601"));
}

#[test]
fn others_are_not_asked_while_the_one_that_prompted_is_there_and_are_once_it_has_gone() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let other = kit.presence.enter("other".into());
    let mut log = Log::new();
    let turn = log.prompt("other");
    log.ask(Some(turn));
    kit.connection.records(attachment, log.after(0));
    assert_eq!(kit.shown(), ["other says"]);
    drop(other);
    kit.connection.departed();
    assert_eq!(kit.shown(), ["ask 1"]);
    kit.connection.departed();
    assert!(kit.out().is_empty(), "it is asked once");
    log.ask(Some(turn));
    kit.connection.records(attachment, log.after(6));
    assert_eq!(kit.shown(), ["ask 2"]);
}

#[test]
fn who_waits_for_the_turn_is_asked_as_well() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let _other = kit.presence.enter("other".into());
    let mut log = Log::new();
    let turn = log.prompt("other");
    kit.prompt(2, turn);
    log.ask(Some(turn));
    kit.connection.records(attachment, log.after(0));
    assert_eq!(kit.shown(), ["other says", "ask 1"]);
}

#[test]
fn a_request_without_a_turn_goes_to_everybody() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let mut log = Log::new();
    log.ask(None);
    kit.connection.records(attachment, log.after(0));
    assert_eq!(kit.shown(), ["ask 1"]);
}

#[test]
fn a_request_that_is_resolved_is_withdrawn_and_a_late_answer_ignored() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let mut log = Log::new();
    let turn = log.prompt("me");
    let request = log.ask(Some(turn));
    log.resolve(request);
    kit.connection.records(attachment, log.after(0));
    assert_eq!(kit.shown(), ["ask 1", "cancel 1"]);
    kit.respond(1, &json!({}));
    assert!(kit.effects().is_empty());
}

#[test]
fn what_is_resolved_in_history_is_not_asked() {
    let mut log = Log::new();
    let turn = log.prompt("me");
    let request = log.ask(Some(turn));
    log.resolve(request);
    let mut kit = Kit::ready();
    let (attachment, after) = kit.open(7, "session/resume", Some(0), &log);
    kit.connection.records(attachment, log.after(after));
    assert_eq!(kit.shown(), ["answer 7", "me says", "_acp-bridge/caught_up"]);
}

#[test]
fn what_is_pending_is_asked_again_after_a_new_attach_and_the_old_answer_still_counts() {
    let mut log = Log::new();
    let turn = log.prompt("me");
    let request = log.ask(Some(turn));
    let mut kit = Kit::ready();
    kit.open(7, "session/resume", None, &log);
    kit.open(8, "session/resume", None, &log);
    assert_eq!(kit.shown(), ["answer 7", "ask 1", "answer 8", "cancel 1", "ask 2"]);
    kit.respond_error(1, &json!({ "code": -32800, "message": "cancelled" }));
    assert!(kit.effects().is_empty(), "the client only did as it was told");
    kit.open(9, "session/resume", None, &log);
    assert_eq!(kit.shown(), ["answer 9", "cancel 2", "ask 3"]);
    kit.respond(2, &json!({ "outcome": { "outcome": "cancelled" } }));
    let (_, command) = kit.command();
    assert!(matches!(command, Command::Answer { request: answered, answer: Ok(_) } if answered == request));
}

//! Requests of agents: who is asked, and whose answer counts.

use acp_types::record::{Kind, Origin};
use serde_json::json;

use super::kit::{Kit, Log, raw};
use crate::gateway::role::Role;
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
        json!({ "ask": 1, "method": "session/request_permission", "params": {
            "sessionId": "s", "toolCall": { "toolCallId": "call" }, "options": [] } })
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
fn every_controller_is_asked_whoever_prompted() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let _other = kit.other("other", Role::Controller);
    let mut log = Log::new();
    let turn = log.prompt("other");
    log.ask(Some(turn));
    kit.connection.records(attachment, log.after(0));
    assert_eq!(kit.shown(), ["other says", "ask 1"]);
}

#[test]
fn that_a_client_knows_no_such_method_is_no_answer_while_somebody_else_may_have_one() {
    let unknown = json!({ "code": -32601, "message": "no such method" });
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let other = kit.other("other", Role::Controller);
    let _observer = kit.other("observer", Role::Observer);
    let mut log = Log::new();
    let turn = log.prompt("me");
    let first = log.ask(Some(turn));
    let second = log.ask(Some(turn));
    kit.connection.records(attachment, log.after(0));
    assert_eq!(kit.shown(), ["ask 1", "ask 2"]);
    kit.respond_error(1, &unknown);
    kit.respond_error(2, &unknown);
    assert!(kit.effects().is_empty() && !kit.heard());
    log.resolve(first);
    kit.connection.records(attachment, log.after(second));
    drop(other);
    assert!(kit.heard(), "the last that might have answered has gone");
    let (_, command) = kit.command();
    assert!(matches!(command, Command::Answer { request, answer: Err(_) } if request == second), "{command:?}");
    log.resolve(second);
    kit.connection.records(attachment, log.after(second + 1));
    assert!(kit.out().is_empty() && !kit.heard());
}

#[test]
fn an_error_other_than_that_is_an_answer_whoever_else_is_there() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let _other = kit.other("other", Role::Controller);
    let mut log = Log::new();
    log.ask(None);
    kit.connection.records(attachment, log.after(0));
    kit.respond_error(1, &json!({ "code": -32603, "message": "the user's screen is off" }));
    assert!(matches!(kit.command().1, Command::Answer { answer: Err(_), .. }));
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

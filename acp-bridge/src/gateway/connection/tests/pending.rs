//! Requests of agents: who is asked, and whose answer counts.

use acp_types::record::body::{AgentExited, Resolved};
use acp_types::record::{Kind, Origin};
use serde_json::json;

use super::kit::{Kit, Log, raw};
use crate::session::{Command, Reply};
use crate::view::Role;

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

/// A client that can run terminals.
fn with_terminals() -> Kit {
    let mut kit = Kit::new();
    let can = json!({ "terminal": true, "_meta": { "terminal_output": true } });
    kit.request(0, "initialize", &json!({ "protocolVersion": 1, "clientCapabilities": can }));
    kit.answer(Ok(Reply::Agent(Ok(raw("{}")))));
    kit.out();
    kit
}

fn asks(log: &mut Log, what: &str, terminal: &str) -> u64 {
    let params = json!({ "sessionId": "s", "terminalId": terminal });
    log.add(Kind::Request, None, Origin::Agent, &json!({ "method": format!("terminal/{what}"), "params": params }))
}

fn answers(log: &mut Log, request: u64, client: &str, result: &str) {
    let resolved = Resolved { request, result: Some(raw(result)), ..Resolved::default() };
    log.add(Kind::Response, None, Origin::Client(client.into()), &resolved);
}

#[test]
fn what_is_asked_about_a_terminal_is_asked_of_the_client_that_has_it() {
    let mut kit = with_terminals();
    let attachment = kit.created("s");
    let other = kit.other("other", Role::Controller);
    let mut log = Log::new();
    for (client, terminal) in [("me", "t1"), ("other", "t2")] {
        let create = asks(&mut log, "create", "");
        answers(&mut log, create, client, &json!({ "terminalId": terminal }).to_string());
    }
    kit.connection.records(attachment, log.after(0));
    kit.out();
    let head = log.records.len() as u64;
    let ids = ["t1", "t2", "t3"].map(|terminal| asks(&mut log, "output", terminal));
    kit.connection.records(attachment, log.after(head));
    let asked: Vec<_> = kit.out().iter().map(|ask| ask["params"]["terminalId"].clone()).collect();
    assert_eq!(asked, ["t1", "t3"], "one's own, and one that nobody is known to have");

    let wait = asks(&mut log, "wait_for_exit", "t2");
    answers(&mut log, ids[1], "other", "{}");
    kit.connection.records(attachment, log.after(head + 3));
    assert!(kit.out().is_empty());
    drop(other);
    assert!(kit.heard(), "it may be asked now");
    let asked = kit.only();
    assert_eq!((&asked["method"], &asked["params"]["terminalId"]), (&json!("terminal/wait_for_exit"), &json!("t2")));
    answers(&mut log, wait, "me", "{}");
}

#[test]
fn a_terminal_that_is_released_or_whose_agent_is_gone_is_nobodys() {
    let mut kit = with_terminals();
    let attachment = kit.created("s");
    let _other = kit.other("other", Role::Controller);
    let mut log = Log::new();
    for terminal in ["t1", "t2"] {
        let create = asks(&mut log, "create", "");
        answers(&mut log, create, "other", &json!({ "terminalId": terminal }).to_string());
    }
    let release = asks(&mut log, "release", "t1");
    answers(&mut log, release, "other", "{}");
    let head = log.records.len() as u64;
    kit.connection.records(attachment, log.after(0));
    kit.out();
    asks(&mut log, "output", "t1");
    asks(&mut log, "output", "t2");
    kit.connection.records(attachment, log.after(head));
    assert_eq!(kit.only()["params"]["terminalId"], "t1");
    let head = log.records.len() as u64;
    log.add(Kind::AgentExited, None, Origin::Host, &AgentExited { reason: String::new(), expected: false });
    asks(&mut log, "output", "t2");
    kit.connection.records(attachment, log.after(head));
    assert_eq!(kit.only()["params"]["terminalId"], "t2");
}

#[test]
fn a_terminal_is_shown_to_the_client_that_made_it_and_as_text_to_others() {
    let mut kit = with_terminals();
    let attachment = kit.created("s");
    let mut log = Log::new();
    for (client, terminal) in [("me", "t1"), ("other", "t2")] {
        let create = asks(&mut log, "create", "");
        answers(&mut log, create, client, &json!({ "terminalId": terminal }).to_string());
        let output = asks(&mut log, "output", terminal);
        answers(&mut log, output, client, &json!({ "output": "printed", "truncated": false }).to_string());
        let release = asks(&mut log, "release", terminal);
        answers(&mut log, release, client, "{}");
    }
    let shown = |id: &str| json!({ "type": "terminal", "terminalId": id });
    let content = ["t1", "t2", "t3", "acp-bridge-terminal-1"].map(shown);
    let update = json!({ "sessionUpdate": "tool_call_update", "toolCallId": "c", "content": content });
    log.add(Kind::Update, None, Origin::Agent, &json!({ "sessionId": "s", "update": update }));
    let notice = json!({ "sessionUpdate": "notice", "severity": "info", "title": "t" });
    log.add(Kind::Update, None, Origin::Agent, &json!({ "sessionId": "s", "update": notice }));
    let text = json!({ "type": "content", "content": { "type": "text", "text": "printed" } });
    let expected = json!([shown("t1"), text, shown("t3")]);
    kit.connection.records(attachment, log.after(0));
    let live = kit.out().pop().unwrap();
    assert_eq!(live["params"]["update"]["content"], expected, "one's own, and one that nobody is known to have made");
    let (attachment, _) = kit.open(7, "session/load", None, &log);
    kit.connection.records(attachment, log.after(0));
    let history = kit.out();
    assert_eq!(history.len(), 2, "an update and the answer: {history:?}");
    assert_eq!(history[0]["params"]["update"]["content"], expected);
}

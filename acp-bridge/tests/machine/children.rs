//! Child sessions of an agent: announced, named as clients know them, stopped, and told as ended.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use crate::support::{SECOND, Session, notified, raw, responses, starts, stops, update, value};
use acp_bridge::session::{ChildSession, Command, Effect, FromAgent, Refusal, Reply, Service, Services};
use acp_types::record::body::{Outcome, Start};
use acp_types::record::{Kind, Origin, Record};
use acp_types::{RequestId, SessionId};
use serde_json::{Value, json};

fn says(session: &mut Session, of: &str, update: &Value) {
    let params = json!({ "sessionId": of, "update": update }).to_string();
    session.agent(crate::support::update(&params));
}

fn announce(session: &mut Session, parent: &str, child: &str, more: &Value) -> SessionId {
    let head = session.head();
    let mut update = json!({ "sessionUpdate": "subagent_update", "sessionId": child });
    update.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    says(session, parent, &update);
    SessionId::from("s").child(head + 1)
}

fn running() -> Value {
    json!({ "state": { "state": "running" }, "capabilities": { "cancel": {} } })
}

fn chunk(text: &str) -> Value {
    json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": text } })
}

fn last(session: &Session) -> Value {
    value(&session.log.last().unwrap().body)
}

fn child<'s>(session: &'s Session, id: &SessionId) -> &'s ChildSession {
    session.machine.state().children().get(id).unwrap()
}

fn cancel(session: &mut Session, child: &SessionId) -> (Result<Reply, Refusal>, Vec<Effect>) {
    session.command("c1", Command::CancelChild { child: child.clone(), reason: Some("enough".into()) })
}

#[test]
fn a_child_is_announced_and_what_it_says_is_in_its_parents_log_under_its_own_id() {
    let mut session = Session::new();
    let (turn, _) = session.running("a");
    let head = session.head();
    let one = announce(&mut session, "agent-1", "sub-1", &json!({ "title": "look", "n": 100 }));
    assert_eq!(session.kinds(head), ["child_updated", "update"]);
    let announced = session.record(head + 1);
    assert_eq!((&announced.origin, announced.turn), (&Origin::Agent, Some(turn)));
    let body = json!({ "session": one, "agentSession": "sub-1", "changed": { "title": "look" } });
    assert_eq!(value(&announced.body), body);
    assert_eq!(last(&session)["sessionId"], "s");
    let update = json!({ "sessionUpdate": "subagent_update", "sessionId": one, "title": "look", "n": 100 });
    assert_eq!(last(&session)["update"], update);

    says(&mut session, "sub-1", &chunk("hi"));
    let said = session.log.last().unwrap();
    assert_eq!((&said.kind, said.turn), (&Kind::Update, Some(turn)));
    assert_eq!((&last(&session)["sessionId"], &last(&session)["update"]), (&json!(one), &chunk("hi")));

    let inner = announce(&mut session, "sub-1", "sub-2", &json!({}));
    assert_eq!(last(&session)["sessionId"], json!(one), "told on its parent");
    assert_eq!(child(&session, &inner).parent(), Some(&one));
    assert_eq!(child(&session, &one).title().as_deref(), Some("look"));
}

#[test]
fn what_speaks_of_sessions_names_them_as_clients_know_them() {
    let mut session = Session::new();
    let one = announce(&mut session, "agent-1", "sub-1", &json!({}));
    let message = json!({ "sessionUpdate": "session_message", "messageId": "m", "senderSessionId": "agent-1",
        "recipientSessionId": "sub-1", "senderMessageId": "x" });
    says(&mut session, "sub-1", &message);
    let update = &last(&session)["update"];
    assert_eq!((&update["senderSessionId"], &update["recipientSessionId"]), (&json!("s"), &json!(one)));
    let content = json!([{ "type": "session", "sessionId": "sub-1" }, { "type": "session", "sessionId": "other" },
        { "type": "content", "sessionId": "sub-1" }]);
    let call = json!({ "sessionUpdate": "tool_call_update", "toolCallId": "t", "content": content });
    says(&mut session, "agent-1", &call);
    let named =
        |value: &Value| value.as_array().unwrap().iter().map(|item| item["sessionId"].clone()).collect::<Vec<_>>();
    assert_eq!(named(&last(&session)["update"]["content"]), [json!(one), json!("other"), json!("sub-1")]);
    let asks = json!({ "sessionId": "agent-1", "options": [], "toolCall": { "toolCallId": "t", "content": content } });
    session.asks(1, "session/request_permission", &asks.to_string());
    assert_eq!(named(&last(&session)["toolCall"]["content"]), [json!(one), json!("other"), json!("sub-1")]);
}

#[test]
fn a_childs_title_and_mode_are_not_its_parents() {
    let mut session = Session::new();
    announce(&mut session, "agent-1", "sub-1", &json!({}));
    let head = session.head();
    says(&mut session, "sub-1", &json!({ "sessionUpdate": "session_info_update", "title": "child" }));
    says(&mut session, "sub-1", &json!({ "sessionUpdate": "current_mode_update", "currentModeId": "code" }));
    assert_eq!(session.kinds(head), ["update", "update"]);
    assert_eq!((session.machine.state().title(), session.machine.state().main().mode()), (None, Some("ask")));
}

#[test]
fn what_names_no_child_that_was_announced_is_not_taken() {
    let mut session = Session::new();
    let head = session.head();
    says(&mut session, "sub-1", &chunk("early"));
    announce(&mut session, "sub-1", "sub-2", &json!({}));
    for (parent, named) in [
        ("agent-1", json!("agent-1")),
        ("agent-1", json!("")),
        ("agent-1", json!("x".repeat(300))),
        ("agent-1", json!(7)),
        ("agent-1", Value::Null),
    ] {
        says(&mut session, parent, &json!({ "sessionUpdate": "subagent_update", "sessionId": named }));
    }
    session.agent(FromAgent::Notification { method: "_x".into(), params: Some(raw(r#"{"sessionId":"sub-1"}"#)) });
    let params = Some(raw(r#"{"sessionId":"sub-1","options":[]}"#));
    let asked = session.agent(FromAgent::Request { id: 1.into(), method: "session/request_permission".into(), params });
    assert_eq!(responses(&asked)[0].1.as_ref().unwrap_err()["code"], -32602);
    assert_eq!(session.head(), head, "nothing of it is in the log");

    announce(&mut session, "agent-1", "sub-1", &json!({}));
    announce(&mut session, "agent-1", "sub-2", &json!({}));
    let head = session.head();
    announce(&mut session, "sub-2", "sub-1", &json!({}));
    announce(&mut session, "sub-1", "sub-1", &json!({}));
    let both = r#"{"sessionId":"agent-1","sessionId":"sub-1","update":{"sessionUpdate":"plan"}}"#;
    session.agent(update(both));
    assert_eq!(session.head(), head, "no other parent, no own parent, no two sessions at once");
}

#[test]
fn a_childs_permission_outlives_the_turn_and_its_answer_reaches_the_agent() {
    let mut session = Session::new();
    let (turn, call) = session.running("a");
    let one = announce(&mut session, "agent-1", "sub-1", &running());
    let asked = session.asks(1, "session/request_permission", r#"{"sessionId":"sub-1","options":[]}"#);
    assert_eq!(last(&session)["sessionId"], json!(one));
    session.asks_permission(2);
    let effects = session.answered(call, Ok(r#"{"stopReason":"end_turn"}"#));
    assert!(matches!(session.outcome(turn), Some(Outcome::Completed { .. })));
    assert_eq!(responses(&effects).len(), 1, "that of the turn itself");
    let pending = session.machine.state().pending_request(asked).unwrap();
    assert_eq!(session.machine.state().child_of(pending).map(ChildSession::id), Some(&one));
    let answer = Command::Answer { request: asked, answer: Ok(raw(r#"{"outcome":{"outcome":"selected"}}"#)) };
    let (reply, effects) = session.command("c1", answer);
    assert_eq!((reply, responses(&effects).len()), (Ok(Reply::Answered(true)), 1));
}

#[test]
fn a_cancel_of_the_turn_answers_what_children_ask_in_it() {
    let mut session = Session::new();
    let (turn, _) = session.running("a");
    announce(&mut session, "agent-1", "sub-1", &running());
    session.asks(1, "session/request_permission", r#"{"sessionId":"sub-1","options":[]}"#);
    let effects = session.cancel(Some(turn));
    assert_eq!(responses(&effects)[0].1, Ok(json!({ "outcome": { "outcome": "cancelled" } })));
}

#[test]
fn the_policy_decides_for_children_as_for_their_parent() {
    let mut session = Session::new();
    announce(&mut session, "agent-1", "sub-1", &running());
    let (reply, _) = session.command("c1", Command::SetPolicy { unattended: Some("reject".parse().unwrap()) });
    assert_eq!(reply, Ok(Reply::Done));
    let params = r#"{"sessionId":"sub-1","options":[{"optionId":"n","kind":"reject_once","name":"n"}]}"#;
    let request = FromAgent::Request {
        id: RequestId::from(1),
        method: "session/request_permission".into(),
        params: Some(raw(params)),
    };
    let effects = session.agent(request);
    assert_eq!(responses(&effects)[0].1, Ok(json!({ "outcome": { "outcome": "selected", "optionId": "n" } })));
}

#[test]
fn files_and_terminals_of_a_child_are_served_as_its_parents() {
    let mut session = Session::new();
    announce(&mut session, "agent-1", "sub-1", &json!({}));
    let params = Some(raw(r#"{"sessionId":"sub-1","path":"/w/x"}"#));
    let request = FromAgent::Request { id: 1.into(), method: "fs/read_text_file".into(), params };
    let effects = session.agent(request);
    let [Effect::Serve { method, params: Some(params), .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((&**method, value(params)), ("fs/read_text_file", json!({ "sessionId": "agent-1", "path": "/w/x" })));
    announce(&mut session, "agent-1", "sub-1", &json!({ "cwd": "/w/sub" }));
    announce(&mut session, "sub-1", "sub-2", &json!({}));
    for (params, cwd) in [(json!({}), json!("/w/sub")), (json!({ "cwd": "/w" }), json!("/w"))] {
        let mut params = params;
        params["sessionId"] = json!("sub-2");
        let request = FromAgent::Request {
            id: 2.into(),
            method: "terminal/create".into(),
            params: Some(raw(&params.to_string())),
        };
        let effects = session.agent(request);
        let [Effect::Serve { params: Some(params), .. }] = &effects[..] else { panic!("{effects:?}") };
        assert_eq!(value(params), json!({ "sessionId": "agent-1", "cwd": cwd }));
    }

    let config = {
        let mut config = acp_bridge::session::Config::default();
        config.services = Services { files: Service::Client, terminals: Service::Client };
        config
    };
    let mut session = Session::with(config, r#"{"cwd":"/w","mcpServers":[]}"#, vec![]);
    let one = announce(&mut session, "agent-1", "sub-1", &json!({}));
    session.asks(1, "elicitation/create", r#"{"sessionId":"sub-1","mode":"form"}"#);
    assert_eq!(last(&session)["params"]["sessionId"], json!(one));
}

#[test]
fn a_cancel_of_a_child_reaches_the_agent_under_its_own_id_and_answers_what_it_asks() {
    let mut session = Session::new();
    session.running("a");
    let one = announce(&mut session, "agent-1", "sub-1", &running());
    let two = announce(&mut session, "agent-1", "sub-2", &running());
    session.asks(1, "session/request_permission", r#"{"sessionId":"sub-1","options":[]}"#);
    session.asks(2, "session/request_permission", r#"{"sessionId":"sub-2","options":[]}"#);
    let head = session.head();
    let (reply, effects) = cancel(&mut session, &one);
    assert_eq!(reply, Ok(Reply::Done));
    let told = effects.iter().find_map(|effect| match effect {
        Effect::Notify { method, params, .. } => Some((method.as_str(), params.as_ref().map(value))),
        _ => None,
    });
    assert_eq!(told, Some(("session/cancel", Some(json!({ "sessionId": "sub-1" })))));
    assert_eq!(session.kinds(head), ["child_cancel_requested", "permission_resolved"]);
    assert_eq!(value(&session.record(head + 1).body), json!({ "session": one, "reason": "enough" }));
    assert!(child(&session, &one).is_stopping() && !child(&session, &two).is_stopping());
    let (reply, effects) = cancel(&mut session, &one);
    assert_eq!((reply, effects.len()), (Ok(Reply::Done), 0), "once is enough");

    announce(&mut session, "agent-1", "sub-1", &json!({ "state": { "state": "idle", "stopReason": "cancelled" } }));
    assert!(!child(&session, &one).is_stopping());
    session.now += 100 * SECOND;
    assert_eq!(stops(&session.input(acp_bridge::session::Input::Tick)), None, "it has stopped");
    assert!(session.machine.state().main().running().is_some(), "its parent works on");
}

#[test]
fn a_child_that_ignores_its_cancel_takes_its_agent_with_it() {
    let mut session = Session::new();
    let (turn, _) = session.running("a");
    let one = announce(&mut session, "agent-1", "sub-1", &running());
    cancel(&mut session, &one).0.unwrap();
    session.now = session.machine.deadline().unwrap();
    let effects = session.input(acp_bridge::session::Input::Tick);
    assert_eq!((stops(&effects), starts(&effects)), (Some(true), true), "killed, and started again");
    assert!(matches!(session.outcome(turn), Some(Outcome::Interrupted { .. })));
    assert_eq!(child(&session, &one).stop_reason().as_deref(), Some("cancelled"));
    assert_eq!(session.machine.deadline(), None);
}

#[test]
fn what_cannot_be_stopped_is_refused_and_what_is_idle_is_left_alone() {
    let mut session = Session::new();
    let quiet = announce(&mut session, "agent-1", "sub-1", &json!({ "state": { "state": "running" } }));
    let idle = announce(&mut session, "agent-1", "sub-2", &running());
    announce(&mut session, "agent-1", "sub-2", &json!({ "state": { "state": "idle" } }));
    let head = session.head();
    assert_eq!(cancel(&mut session, &quiet).0, Err(Refusal::ChildStays { session: quiet }));
    let unknown = SessionId::from("s").child(999);
    assert_eq!(cancel(&mut session, &unknown).0, Err(Refusal::UnknownChild { session: unknown }));
    let (reply, effects) = cancel(&mut session, &idle);
    assert_eq!((reply, effects.len(), session.head()), (Ok(Reply::Done), 0, head));
}

/// The `subagent_update`s of the bridge itself after `head`.
fn told(session: &Session, head: u64) -> Vec<Value> {
    let ours = |record: &&std::sync::Arc<Record>| {
        record.seq > head && record.kind == Kind::Update && record.origin == Origin::Host
    };
    session.log.iter().filter(ours).map(|record| value(&record.body)).collect()
}

#[test]
fn children_of_an_agent_that_exits_are_told_as_ended() {
    let mut session = Session::new();
    session.running("a");
    let one = announce(&mut session, "agent-1", "sub-1", &running());
    let inner = announce(&mut session, "sub-1", "sub-2", &json!({}));
    announce(&mut session, "agent-1", "sub-3", &json!({ "state": { "state": "idle" } }));
    let head = session.head();
    session.exits();
    let told = told(&session, head);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!((&told[0]["sessionId"], &told[0]["update"]["sessionId"]), (&json!("s"), &json!(one)));
    assert_eq!((&told[1]["sessionId"], &told[1]["update"]["sessionId"]), (&json!(one), &json!(inner)));
    assert_eq!(told[0]["update"]["state"]["stopReason"], "error");
    assert!(told[0]["update"]["state"]["error"]["message"].as_str().unwrap().contains("exit status 7"));
    assert_eq!(told[0]["update"]["capabilities"], Value::Null);
    assert_eq!(child(&session, &one).state().as_deref(), Some("idle"));
    assert!(matches!(cancel(&mut session, &one).0, Err(Refusal::ChildStays { .. })));
    let at = |kind: &Kind| session.log.iter().rposition(|record| record.kind == *kind).unwrap();
    assert!(at(&Kind::ChildUpdated) < at(&Kind::AgentExited), "before the word that it is gone");
}

#[test]
fn children_of_a_run_that_a_crash_has_ended_are_told_as_ended_and_keep_their_ids() {
    let mut session = Session::new();
    session.running("a");
    let one = announce(&mut session, "agent-1", "sub-1", &running());
    let head = session.head();
    session.crash();
    assert_eq!(told(&session, head).len(), 1);
    assert_eq!(child(&session, &one).stop_reason().as_deref(), Some("error"));

    // The next run goes back to the conversation, and gives the child more to do.
    let (turn, effects) = session.prompt("b");
    assert!(starts(&effects));
    session.agent(FromAgent::Started(crate::support::agent_started(Start::Load)));
    assert_eq!(session.machine.state().main().running(), Some(turn));
    announce(&mut session, "agent-1", "sub-1", &running());
    says(&mut session, "sub-1", &chunk("again"));
    assert_eq!(last(&session)["sessionId"], json!(one));
    assert!(child(&session, &one).can_be_cancelled());
}

#[test]
fn an_agent_that_has_forgotten_the_conversation_has_no_children_of_before() {
    let mut session = Session::new();
    let one = announce(&mut session, "agent-1", "sub-1", &json!({}));
    session.exits();
    session.prompt("b");
    session.agent(FromAgent::Started(crate::support::agent_started(Start::ContextLost)));
    let head = session.head();
    says(&mut session, "sub-1", &chunk("who?"));
    assert_eq!(session.head(), head);
    let again = announce(&mut session, "agent-1", "sub-1", &json!({}));
    assert_ne!(again, one);
    says(&mut session, "sub-1", &chunk("new"));
    assert_eq!(last(&session)["sessionId"], json!(again));
}

#[test]
fn an_agent_behind_a_link_is_told_again_which_child_is_to_stop() {
    let mut session = Session::linked();
    session.running("a");
    let one = announce(&mut session, "agent-1", "sub-1", &running());
    cancel(&mut session, &one).0.unwrap();
    let head = session.head();
    session.crash();
    assert_eq!(session.head(), head, "its children work on");
    let effects = session.driver(FromAgent::Returned { has_prompt: true, asked: vec![] });
    assert_eq!(notified(&effects), ["session/cancel"]);
    assert!(session.machine.deadline().is_some());
}

#[test]
fn an_agent_whose_child_works_on_is_not_put_to_rest() {
    let mut session = Session::new();
    let (_, call) = session.running("a");
    announce(&mut session, "agent-1", "sub-1", &running());
    session.answered(call, Ok(r#"{"stopReason":"end_turn"}"#));
    assert_eq!(session.machine.idle_since(), None);
    announce(&mut session, "agent-1", "sub-1", &json!({ "state": { "state": "idle" } }));
    // It can neither load nor resume, so that it is kept all the same.
    assert_eq!(session.kinds(session.head() - 2), ["child_updated", "update"]);
}

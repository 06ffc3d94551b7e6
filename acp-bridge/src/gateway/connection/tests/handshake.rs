//! Requests before a session, and those that are about none.

use serde_json::json;

use super::kit::{Kit, raw};
use crate::gateway::Limits;
use crate::gateway::connection::{Effect, EffectOutcome};
use crate::log::ListQuery;
use crate::session::{Command, Refusal, Reply};

#[test]
fn initialize_is_answered_with_the_agents_result_and_the_bridges_capabilities() {
    let mut kit = Kit::new();
    kit.request(0, "initialize", &json!({ "protocolVersion": 9 }));
    let command = kit.answer(Ok(Reply::Agent(Ok(raw(r#"{"protocolVersion":3,"agentInfo":{"name":"a"}}"#)))));
    assert!(matches!(command, Command::Describe { .. }));
    let result = kit.only()["result"].clone();
    assert_eq!((&result["protocolVersion"], &result["agentInfo"]["name"]), (&json!(1), &json!("a")));
    assert_eq!(result["agentCapabilities"]["loadSession"], json!(true));
}

#[test]
fn initialize_that_fails_can_be_tried_again() {
    let mut kit = Kit::new();
    kit.request(0, "initialize", &json!({ "protocolVersion": 1 }));
    kit.answer(Err(Refusal::StartUnknown));
    assert_eq!(kit.only()["error"]["message"], Refusal::StartUnknown.to_string());
    kit.request(1, "initialize", &json!({ "protocolVersion": 1 }));
    kit.answer(Ok(Reply::Agent(Err(raw(r#"{"code":-1,"message":"bad","x":1}"#)))));
    assert_eq!(kit.only()["error"]["x"], 1, "the agent's error passes whole");
    kit.request(2, "initialize", &json!({ "protocolVersion": 1 }));
    kit.answer(Ok(Reply::Agent(Ok(raw("{}")))));
    assert!(!kit.only()["result"].is_null());
}

#[test]
fn initialize_comes_first_and_once() {
    let mut kit = Kit::new();
    kit.request(0, "session/new", &json!({ "cwd": "/" }));
    assert_eq!(kit.only()["error"]["code"], -32600);
    kit.notify("session/cancel", &json!({ "sessionId": "s" }));
    assert!(kit.effects().is_empty());
    kit.request(1, "initialize", &json!({ "protocolVersion": 1 }));
    kit.request(2, "initialize", &json!({ "protocolVersion": 1 }));
    assert_eq!(kit.only()["error"]["code"], -32600, "one is under way");
    kit.answer(Ok(Reply::Agent(Ok(raw("{}")))));
    kit.out();
    kit.request(3, "initialize", &json!({ "protocolVersion": 1 }));
    assert_eq!(kit.only()["error"]["code"], -32600);
}

#[test]
fn initialize_without_a_version_is_refused_and_changes_nothing() {
    let mut kit = Kit::new();
    for params in [json!({}), json!({ "protocolVersion": "1" }), json!([1])] {
        kit.request(0, "initialize", &params);
        assert_eq!(kit.only()["error"]["code"], -32602, "{params}");
    }
    kit.request(1, "initialize", &json!({ "protocolVersion": 1 }));
    assert_eq!(kit.effects().len(), 1);
}

#[test]
fn methods_that_no_one_serves_are_named() {
    let mut kit = Kit::ready();
    for method in [
        "session/nonesuch",
        "session/update",
        "session/cancel",
        "session/fork",
        "proxy/initialize",
        "fs/read_text_file",
    ] {
        kit.request(1, method, &json!({ "sessionId": "s" }));
        let error = kit.only()["error"].clone();
        assert_eq!((&error["code"], &error["data"]["method"]), (&json!(-32601), &json!(method)));
    }
    kit.notify("session/nonesuch", &json!({}));
    assert!(kit.effects().is_empty() && kit.out().is_empty());
}

#[test]
fn requests_about_no_session_go_to_the_agent_as_they_are() {
    let mut kit = Kit::ready();
    for (method, params) in [
        ("authenticate", json!({ "methodId": "k" })),
        ("logout", json!({})),
        ("_x/y", json!({ "sessionId": "not here" })),
    ] {
        kit.request(1, method, &params);
        let Effect::Submit { session, command, then } = kit.effect() else { panic!() };
        assert_eq!(session, None);
        assert_eq!(
            command,
            Command::Call { lane: None, method: method.into(), params: Some(raw(&params.to_string())) }
        );
        kit.connection.done(EffectOutcome::Submitted { then, answer: Ok(Reply::Agent(Ok(raw("{\"a\":1e2}")))) });
        assert_eq!(kit.only()["result"]["a"], 100.0);
    }
}

#[test]
fn extensions_about_an_attached_session_go_to_its_agent() {
    let mut kit = Kit::ready();
    kit.created("s");
    kit.request(2, "_x/y", &json!({ "sessionId": "s" }));
    assert_eq!(kit.command().0, Some("s".into()));
    kit.notify("_x/z", &json!({ "sessionId": "s" }));
    let (session, command) = kit.command();
    assert_eq!(session, Some("s".into()));
    assert!(matches!(command, Command::Notify { .. }));
}

#[test]
fn malformed_params_are_refused_with_what_is_wrong() {
    let mut kit = Kit::ready();
    kit.created("s");
    for (method, params, what) in [
        ("session/new", json!({}), "cwd"),
        ("session/new", json!({ "cwd": "relative" }), "absolute"),
        ("session/new", json!({ "cwd": "/", "mcpServers": {} }), "mcpServers"),
        ("session/load", json!({ "cwd": "/" }), "sessionId"),
        (
            "session/resume",
            json!({ "sessionId": "s", "cwd": "/", "_meta": { "acp-bridge": { "after": -1 } } }),
            "after",
        ),
        ("session/resume", json!({ "sessionId": "x".repeat(300), "cwd": "/" }), "longer"),
        ("session/prompt", json!({ "sessionId": "s" }), "prompt"),
        ("session/prompt", json!({ "sessionId": "s", "prompt": [], "_meta": { "acp-bridge": { "key": 7 } } }), "key"),
        (
            "session/prompt",
            json!({ "sessionId": "s", "prompt": [], "_meta": { "acp-bridge": { "onBusy": "later" } } }),
            "onBusy",
        ),
        (
            "session/prompt",
            json!({ "sessionId": "s", "prompt": [], "_meta": { "acp-bridge": { "key": "k".repeat(2000) } } }),
            "1024",
        ),
        ("session/list", json!({ "cursor": 7 }), "cursor"),
        ("session/close", json!({ "sessionId": 7 }), "sessionId"),
        ("session/set_mode", json!([]), "sessionId"),
    ] {
        kit.request(2, method, &params);
        let error = kit.only()["error"].clone();
        assert_eq!(error["code"], -32602, "{method} {params}: {error}");
        assert!(error["message"].as_str().unwrap().contains(what), "{method} {params}: {error}");
        assert!(kit.effects().is_empty());
    }
}

#[test]
fn session_requests_need_an_attached_session() {
    let mut kit = Kit::ready();
    for method in ["session/prompt", "session/set_mode", "session/set_config_option", "session/set_title"] {
        kit.request(1, method, &json!({ "sessionId": "nonesuch", "prompt": [] }));
        let error = kit.only()["error"].clone();
        assert_eq!((&error["code"], &error["data"]["sessionId"]), (&json!(-32002), &json!("nonesuch")), "{method}");
    }
}

#[test]
fn a_listing_carries_filter_and_cursor_and_names_the_next_page() {
    let mut kit = Kit::ready();
    kit.request(1, "session/list", &json!({ "cwd": "/a", "cursor": "s9" }));
    let Effect::List { query, id } = kit.effect() else { panic!() };
    assert_eq!(query, ListQuery { cwd: Some("/a".into()), after: Some("s9".into()), limit: 100 });
    kit.connection.done(EffectOutcome::Listed { id, sessions: Ok(Vec::new()) });
    assert_eq!(kit.only()["result"], json!({ "sessions": [] }));
}

#[test]
fn too_many_requests_in_flight_are_refused_and_then_not_read() {
    let limits = Limits { in_flight: 2, ..Limits::default() };
    let mut kit = Kit::ready_with(limits);
    kit.request(1, "session/list", &json!({}));
    kit.request(2, "session/list", &json!({}));
    kit.request(3, "session/list", &json!({}));
    assert!(kit.only()["error"]["message"].as_str().unwrap().contains('2'));
    assert!(kit.connection.listens());
    for _ in 0..2 {
        kit.notify("session/cancel", &json!({ "sessionId": "s" }));
    }
    assert!(!kit.connection.listens(), "a stop is never refused; the client has to wait instead");
    let Effect::List { id, .. } = kit.effects().remove(0) else { panic!() };
    kit.connection.done(EffectOutcome::Listed { id, sessions: Ok(Vec::new()) });
    assert!(kit.connection.listens());
}

#[test]
fn too_many_sessions_are_refused() {
    let mut kit = Kit::ready_with(Limits { sessions: 1, ..Limits::default() });
    kit.created("s");
    kit.request(2, "session/new", &json!({ "cwd": "/" }));
    assert!(kit.only()["error"]["message"].as_str().unwrap().contains("sessions attached"));
    kit.request(3, "session/load", &json!({ "sessionId": "s", "cwd": "/" }));
    assert!(matches!(kit.effect(), Effect::Open { .. }), "the one that is attached can be loaded again");
}

//! `acp-bridge attach` as a process between a scripted editor and a real bridge, with a connection that breaks.

use crate::support::editor::Editor;
use crate::support::fault_agent::{numbers, yes};
use crate::support::proxy::Proxy;
use crate::support::{Bridge, Options};
use serde_json::json;

struct Stage {
    bridge: Bridge,
    proxy: Proxy,
    editor: Editor,
    session: String,
    _state: tempfile::TempDir,
}

/// An editor with a session, behind a connection that can be cut.
fn stage() -> Stage {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let proxy = Proxy::to(&bridge.address);
    let state = tempfile::tempdir().expect("a temporary directory");
    let mut editor = Editor::start(state.path(), &["--url", &proxy.url()]);
    editor.initialize();
    let session = editor.new_session();
    Stage { bridge, proxy, editor, session, _state: state }
}

#[test]
fn an_editor_notices_nothing_of_a_connection_that_is_cut_again_and_again() {
    let Stage { bridge: _bridge, proxy, mut editor, session, .. } = stage();
    let turn = editor.prompt(&session, "count 600 2");
    for cut in 0..15 {
        for _ in 0..=(cut * 7 % 23) {
            editor.chunk();
        }
        let before = proxy.accepted();
        proxy.cut();
        proxy.wait_for_another(before);
    }
    let answer = editor.answer(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn", "{answer}");
    assert_eq!(editor.text("agent_message_chunk"), numbers(600), "0 lost, 0 doubled, in order");
    assert_eq!(editor.text("user_message_chunk"), "", "an editor knows what it has said itself");
    assert!(proxy.accepted() > 15, "only {} connections", proxy.accepted());
    let turn = editor.prompt(&session, "echo and again");
    assert_eq!(editor.answer(turn)["result"]["stopReason"], "end_turn");
}

#[test]
fn what_an_editor_says_while_there_is_no_connection_is_done_once_there_is_one() {
    let Stage { bridge: _bridge, proxy, mut editor, session, .. } = stage();
    proxy.bar();
    let before = proxy.accepted();
    let turn = editor.prompt(&session, "echo later");
    let list = editor.request("session/list", &json!({}));
    proxy.wait_for_another(before);
    proxy.open();
    assert_eq!(editor.answer(turn)["result"]["stopReason"], "end_turn");
    assert_eq!(editor.answer(list)["result"]["sessions"][0]["sessionId"], json!(session));
    assert_eq!(editor.text("agent_message_chunk"), "later");
}

#[test]
fn a_permission_that_is_asked_during_a_drop_is_asked_once() {
    let Stage { bridge, proxy, mut editor, session, .. } = stage();
    let mut other = bridge.client();
    other.resume(&session, None);
    proxy.bar();
    let turn = other.prompt(&session, "ask");
    other.wait_for("request", |m| m["method"] == "session/request_permission");
    proxy.open();
    let asked = editor.asked();
    proxy.cut();
    editor.respond(&asked["id"], &yes());
    assert_eq!(other.answer(turn)["result"]["stopReason"], "end_turn");
    editor.wait_for("chosen", |m| m.to_string().contains("chosen"));
    assert!(editor.text("agent_message_chunk").contains("yes"));
    assert_eq!(editor.count("session/request_permission"), 1);
}

#[test]
fn an_answer_given_while_there_is_no_connection_arrives() {
    let Stage { bridge: _bridge, proxy, mut editor, session, .. } = stage();
    let turn = editor.prompt(&session, "ask");
    let asked = editor.asked();
    proxy.bar();
    let before = proxy.accepted();
    editor.respond(&asked["id"], &yes());
    proxy.wait_for_another(before);
    proxy.open();
    assert_eq!(editor.answer(turn)["result"]["stopReason"], "end_turn");
    assert!(editor.text("agent_message_chunk").contains("yes"));
    assert_eq!(editor.count("session/request_permission"), 1);
}

#[test]
fn a_permission_that_somebody_else_answers_during_a_drop_is_withdrawn() {
    let Stage { bridge, proxy, mut editor, session, .. } = stage();
    let turn = editor.prompt(&session, "ask");
    let asked = editor.asked();
    proxy.bar();
    let mut other = bridge.client();
    other.resume(&session, None);
    let request = other.wait_for("request", |m| m["method"] == "session/request_permission");
    other.respond(&request["id"], &yes());
    other.turn_ended();
    proxy.open();
    let cancel = editor.wait_for("a withdrawal", |m| m["method"] == "$/cancel_request");
    assert_eq!(cancel["params"]["requestId"], asked["id"]);
    assert_eq!(editor.answer(turn)["result"]["stopReason"], "end_turn");
}

#[test]
fn a_stop_during_a_drop_reaches_the_turn() {
    let Stage { bridge: _bridge, proxy, mut editor, session, .. } = stage();
    let turn = editor.prompt(&session, "wait");
    editor.chunk();
    proxy.bar();
    let before = proxy.accepted();
    editor.notify("session/cancel", &json!({ "sessionId": session }));
    proxy.wait_for_another(before);
    proxy.open();
    assert_eq!(editor.answer(turn)["result"]["stopReason"], "cancelled");
}

#[test]
fn an_editor_that_goes_leaves_the_turn_running() {
    let Stage { bridge, mut editor, session, _state, .. } = stage();
    editor.prompt(&session, "count 100 5");
    editor.chunk();
    assert!(editor.close().success());

    let url = format!("http://{}", bridge.address);
    let mut next = Editor::start(_state.path(), &["--url", &url, "--session", &session]);
    next.initialize();
    assert_eq!(next.new_session(), session, "session/new opens the session that was named");
    next.wait_for("the last chunk", |m| m["params"]["update"]["content"]["text"] == "100 ");
    assert_eq!(next.text("agent_message_chunk"), numbers(100));
    assert_eq!(next.text("user_message_chunk"), "count 100 5");
    assert_ne!(next.new_session(), session, "the next one is new");
    assert!(next.terminate().success());
}

#[test]
fn an_editor_that_loads_a_session_while_the_connection_is_cut_sees_its_history_once() {
    let Stage { bridge: _bridge, proxy, mut editor, session, .. } = stage();
    // Too much for one joined chunk, so that a cut can hit the middle of the history.
    let turn = editor.prompt(&session, "flood 20000");
    editor.answer(turn);
    for wait in 0..6 {
        let state = tempfile::tempdir().expect("a temporary directory");
        let mut reader = Editor::start(state.path(), &["--url", &proxy.url()]);
        reader.initialize();
        let load = reader.request("session/load", &json!({ "sessionId": session, "cwd": "/", "mcpServers": [] }));
        for _ in 0..wait {
            reader.chunk();
        }
        proxy.cut();
        let answer = reader.answer(load);
        assert!(answer["error"].is_null(), "{answer}");
        assert_eq!(reader.text("agent_message_chunk").len(), 20_000 * 50, "cut after {wait} chunks");
        assert_eq!(reader.text("user_message_chunk"), "flood 20000");
    }
}

#[test]
fn with_no_bridge_and_no_agent_it_says_what_to_do() {
    let state = tempfile::tempdir().expect("a temporary directory");
    let mut editor = Editor::start(state.path(), &["--url", "http://127.0.0.1:9"]);
    let id = editor.request("initialize", &json!({ "protocolVersion": 1 }));
    let error = editor.answer(id)["error"]["message"].to_string();
    assert!(error.contains("--agent NAME"), "{error}");
    assert_eq!(editor.exit().code(), Some(3));
}

#[test]
fn an_editor_that_asks_late_still_reads_why_there_is_no_bridge() {
    let state = tempfile::tempdir().expect("a temporary directory");
    let (mut editor, log) = Editor::start_with_log(state.path(), &["--url", "http://127.0.0.1:9"]);
    let missed = log.iter().any(|line| line.contains("waiting for the editor"));
    assert!(missed, "it gave up before the editor could ask");
    let id = editor.request("initialize", &json!({ "protocolVersion": 1 }));
    let error = editor.answer(id)["error"]["message"].to_string();
    assert!(error.contains("--agent NAME"), "{error}");
    assert_eq!(editor.exit().code(), Some(3));
}

#[test]
fn an_editor_that_goes_without_asking_is_told_by_the_exit_code() {
    let state = tempfile::tempdir().expect("a temporary directory");
    let (editor, log) = Editor::start_with_log(state.path(), &["--url", "http://127.0.0.1:9"]);
    assert!(log.iter().any(|line| line.contains("waiting for the editor")));
    assert_eq!(editor.close().code(), Some(3));
}

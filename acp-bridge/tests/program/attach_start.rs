//! `acp-bridge attach` starts a bridge when none runs, and again when it is gone.

use std::net::TcpListener;
use std::path::PathBuf;

use crate::support::editor::Editor;
use crate::support::started::Started;
use crate::support::{Client, example};

/// A place without a bridge, and an agent to start one with.
struct Place {
    state: tempfile::TempDir,
    address: String,
    url: String,
    log: PathBuf,
}

impl Place {
    fn new() -> Self {
        let state = tempfile::tempdir().expect("a temporary directory");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("an address").to_string();
        let log = state.path().join("log.db");
        Self { state, url: format!("http://{address}"), address, log }
    }

    fn editor(&self) -> Editor {
        let log = format!("sqlite:{}", self.log.display());
        Editor::start(self.state.path(), &["--url", &self.url, "--log", &log, "--", &example("fault_agent")])
    }

    fn bridge(&self) -> Started {
        Started::with_log(&self.log, &self.address)
    }
}

#[test]
fn a_bridge_is_started_when_none_runs_and_stays_when_the_editor_goes() {
    let place = Place::new();
    let bridge = place.bridge();
    let mut editor = place.editor();
    editor.initialize();
    let session = editor.new_session();
    let turn = editor.prompt(&session, "echo hello");
    assert_eq!(editor.answer(turn)["result"]["stopReason"], "end_turn");
    assert_eq!(editor.text("agent_message_chunk"), "hello");
    let pid = bridge.pid().expect("a bridge that runs");
    assert_ne!(bridge.parent(), Some(editor.pid()), "who ends what descends from its agent leaves the bridge alone");
    assert!(editor.close().success());
    assert_eq!(bridge.pid(), Some(pid));

    let mut client = Client::connect(&place.address);
    client.initialize();
    client.load(&session);
    assert_eq!(crate::support::client::text(&client.chunks()), "hello");
}

#[test]
fn a_bridge_that_is_started_serves_the_agent_what_attach_was_told() {
    let place = Place::new();
    let _bridge = place.bridge();
    for name in ["work", "notes", "other"] {
        std::fs::create_dir(place.state.path().join(name)).expect("a directory");
        std::fs::write(place.state.path().join(name).join("file"), name).expect("write a file");
    }
    let log = format!("sqlite:{}", place.log.display());
    let agent = example("service_agent");
    let notes = place.state.path().join("notes").display().to_string();
    let mut editor =
        Editor::start(place.state.path(), &["--url", &place.url, "--log", &log, "--allow-read", &notes, "--", &agent]);
    editor.initialize();
    let cwd = place.state.path().join("work");
    let made = editor.call("session/new", &serde_json::json!({ "cwd": cwd, "mcpServers": [] }));
    let session = made["sessionId"].as_str().expect("a session id").to_owned();
    let read = |name: &str| {
        let path = place.state.path().join(name).join("file");
        serde_json::json!({ "do": "fs/read_text_file", "with": { "path": path } })
    };
    let turn = editor.prompt(&session, &serde_json::json!([read("notes"), read("other")]).to_string());
    assert_eq!(editor.answer(turn)["result"]["stopReason"], "end_turn");
    let said = editor.text("agent_message_chunk");
    assert!(said.contains(r#"{"content":"notes"}"#) && said.contains("leads outside"), "{said}");
}

#[test]
fn an_editor_notices_nothing_of_kill_9_of_the_bridge_in_mid_turn() {
    let place = Place::new();
    let bridge = place.bridge();
    let mut editor = place.editor();
    editor.initialize();
    let session = editor.new_session();
    let turn = editor.prompt(&session, "count 2000 1");
    let mut killed = Vec::new();
    for kill in 0..3 {
        for _ in 0..100 * kill + 20 {
            editor.chunk();
        }
        killed.extend(bridge.pid());
        bridge.end("-9");
    }
    let answer = editor.answer(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn", "{answer}");
    assert_eq!(killed.len(), 3, "attach has started another one each time");
    let all: String = (1..=2000).map(|i| format!("{i} ")).collect();
    assert_eq!(editor.text("agent_message_chunk"), all, "0 lost, 0 doubled, in order");

    let turn = editor.prompt(&session, "echo back");
    assert_eq!(editor.answer(turn)["result"]["stopReason"], "end_turn");
    assert!(editor.text("agent_message_chunk").ends_with("back"));
    assert_eq!(editor.text("user_message_chunk"), "");
}

#[test]
fn an_editor_is_asked_once_though_the_bridge_is_killed_before_the_answer() {
    let place = Place::new();
    let bridge = place.bridge();
    let mut editor = place.editor();
    editor.initialize();
    let session = editor.new_session();
    let turn = editor.prompt(&session, "ask");
    let asked = editor.asked();
    bridge.end("-9");
    editor.respond(&asked["id"], &serde_json::json!({ "outcome": { "outcome": "selected", "optionId": "yes" } }));
    assert_eq!(editor.answer(turn)["result"]["stopReason"], "end_turn");
    assert!(editor.text("agent_message_chunk").contains("yes"));
    assert_eq!(editor.count("session/request_permission"), 1);
}

#[test]
fn a_bridge_that_goes_down_in_good_order_between_turns_is_not_missed() {
    let place = Place::new();
    let bridge = place.bridge();
    let mut editor = place.editor();
    editor.initialize();
    let session = editor.new_session();
    for word in ["one", "two", "three"] {
        let turn = editor.prompt(&session, &format!("echo {word}"));
        assert_eq!(editor.answer(turn)["result"]["stopReason"], "end_turn");
        bridge.end("-15");
    }
    assert_eq!(editor.text("agent_message_chunk"), "onetwothree");
}

#[test]
fn editors_that_start_at_once_share_one_bridge() {
    let place = Place::new();
    let bridge = place.bridge();
    let mut editors: Vec<_> = (0..4).map(|_| place.editor()).collect();
    let mut sessions = Vec::new();
    for editor in &mut editors {
        editor.initialize();
        sessions.push(editor.new_session());
    }
    let pid = bridge.pid().expect("a bridge that runs");
    let list = editors[0].call("session/list", &serde_json::json!({}));
    let mut listed: Vec<_> = list["sessions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|s| s["sessionId"].as_str().unwrap_or_default())
        .collect();
    listed.sort_unstable();
    sessions.sort_unstable();
    assert_eq!(listed, sessions, "all sessions are in one log");
    for editor in editors {
        assert!(editor.close().success());
    }
    assert_eq!(bridge.pid(), Some(pid));
}

#[test]
fn a_bridge_that_cannot_be_started_is_reported_with_its_own_words() {
    let place = Place::new();
    let mut editor = Editor::start(
        place.state.path(),
        &["--url", &place.url, "--log", "mongodb:nowhere", "--", &example("fault_agent")],
    );
    let id = editor.request("initialize", &serde_json::json!({ "protocolVersion": 1 }));
    let error = editor.answer(id)["error"]["message"].to_string();
    assert!(error.contains("mongodb:nowhere"), "{error}");
    assert!(error.contains("serve-127-0-0-1-"), "{error}");
    assert_eq!(editor.exit().code(), Some(3));
}

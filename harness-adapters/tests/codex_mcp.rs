//! MCP servers that a client brings along to Codex.

mod codex;
#[path = "mcp/mod.rs"]
mod mcp;
mod support;

use acp_server::types::v1::{
    ClientCapabilities, CloseSessionRequest, CreateElicitationResponse, ElicitationAction, ElicitationMode,
    LoadSessionRequest, McpServer, McpServerStdio, PermissionOptionKind, SessionUpdate, StopReason, ToolCallStatus,
};
use codex::Screen;
use serde_json::json;
use support::{Event, Form, Harness, Setting, Stage, soon};

const PING: &str = "demo.ping";
const ASK: &str = "demo.ask";

/// The next form, and the updates before it.
async fn form(stage: &mut Stage) -> (Form, Vec<SessionUpdate>) {
    let mut updates = Vec::new();
    loop {
        match stage.events.next().await {
            Event::Update(_, update) => updates.push(*update),
            Event::Form(form) => return (form, updates),
            other => panic!("a form, not {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_tool_of_a_server_runs_once_it_is_allowed() {
    let mut stage = Stage::codex(mcp::SCRIPT).await;
    let session = stage.opened(mcp::session(&stage, vec![mcp::stdio(&stage)])).await.session_id;
    let prompt = stage.prompt(&session, "ping it");
    let (asked, mut updates) = stage.asked().await;
    use PermissionOptionKind::{AllowAlways, AllowOnce, RejectOnce};
    assert_eq!(asked.kinds(), [AllowOnce, AllowAlways, RejectOnce]);
    assert_eq!(asked.request.tool_call.tool_call_id, Screen::of(&updates).call(PING).tool_call_id);
    asked.choose(AllowOnce);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    updates.extend(stage.events.updates());
    let screen = Screen::of(&updates);
    screen.assert_closed();
    assert_eq!(screen.calls.len(), 1, "{:?}", screen.calls);
    let ping = screen.call(PING);
    assert_eq!(ping.status, ToolCallStatus::Completed);
    assert_eq!(ping.raw_input.as_ref().expect("an input")["arguments"], json!({ "text": "one" }));
    assert_eq!(screen.output(PING), "pong one");
    assert_eq!(screen.messages(), ["done"]);
    mcp::leave(stage).await;
}

#[tokio::test]
async fn what_is_allowed_for_the_session_is_not_asked_again_and_writes_no_settings() {
    let mut stage = Stage::codex(mcp::SCRIPT).await;
    let session = stage.opened(mcp::session(&stage, vec![mcp::stdio(&stage)])).await.session_id;
    let prompt = stage.prompt(&session, "ping twice");
    let (asked, mut updates) = stage.asked().await;
    asked.choose_named("Allow for this session");
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    for event in stage.events.drain() {
        match event {
            Event::Update(_, update) => updates.push(*update),
            other => panic!("{other:?}"),
        }
    }
    let screen = Screen::of(&updates);
    let pongs = screen.calls.iter().filter(|call| call.status == ToolCallStatus::Completed);
    assert_eq!(pongs.count(), 2, "{screen:#?}");
    // Codex keeps other things there as well, such as that it trusts the workspace.
    let config = std::fs::read_to_string(stage.home().join(".codex/config.toml")).expect("a configuration");
    assert!(!config.contains("ping") && !config.contains("mcp_servers"), "{config}");
    assert_eq!(mcp::files(&stage.workspace()), Vec::<std::path::PathBuf>::new());
    mcp::leave(stage).await;
}

#[tokio::test]
async fn a_refused_tool_does_not_run_and_the_turn_goes_on() {
    let mut stage = Stage::codex(mcp::SCRIPT).await;
    let session = stage.opened(mcp::session(&stage, vec![mcp::stdio(&stage)])).await.session_id;
    let prompt = stage.prompt(&session, "ping it");
    let (asked, mut updates) = stage.asked().await;
    asked.choose(PermissionOptionKind::RejectOnce);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    updates.extend(stage.events.updates());
    let screen = Screen::of(&updates);
    assert_eq!(screen.call(PING).status, ToolCallStatus::Failed);
    assert!(!screen.output(PING).contains("pong"));
    assert_eq!(screen.messages(), ["done"]);
    mcp::leave(stage).await;
}

#[tokio::test]
async fn a_tool_that_fails_is_a_call_that_failed() {
    let mut stage = Stage::codex(mcp::SCRIPT).await;
    let session = stage.opened(mcp::session(&stage, vec![mcp::stdio(&stage)])).await.session_id;
    let prompt = stage.prompt(&session, "fail it");
    let (asked, mut updates) = stage.asked().await;
    asked.choose(PermissionOptionKind::AllowOnce);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    updates.extend(stage.events.updates());
    let screen = Screen::of(&updates);
    assert_eq!(screen.call("demo.fail").status, ToolCallStatus::Failed);
    assert!(screen.output("demo.fail").contains("it failed"), "{screen:#?}");
    mcp::leave(stage).await;
}

#[tokio::test]
async fn the_secret_of_a_server_reaches_it_and_is_seen_nowhere_else() {
    let http = mcp::Http::start();
    for over_http in [false, true] {
        let mut stage = Stage::codex(mcp::SCRIPT).await;
        let server = if over_http { http.server(&stage) } else { mcp::stdio(&stage) };
        let session = stage.opened(mcp::session(&stage, vec![server])).await.session_id;
        let prompt = stage.prompt(&session, "the secret");
        let (asked, mut updates) = stage.asked().await;
        asked.choose(PermissionOptionKind::AllowOnce);
        assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
        updates.extend(stage.events.updates());
        assert_eq!(Screen::of(&updates).output("demo.secret"), mcp::told(&stage));
        assert_eq!(mcp::running(&stage), usize::from(!over_http));
        mcp::assert_secret(&stage);
        mcp::leave(stage).await;
    }
}

#[tokio::test]
async fn two_calls_at_once_are_asked_about_each() {
    let mut stage = Stage::codex(mcp::SCRIPT).await;
    let session = stage.opened(mcp::session(&stage, vec![mcp::stdio(&stage)])).await.session_id;
    let prompt = stage.prompt(&session, "ping both");
    let mut updates = Vec::new();
    for _ in 0..2 {
        let (asked, before) = stage.asked().await;
        updates.extend(before);
        let fields = &asked.request.tool_call.fields;
        let asked_for = fields.raw_input.as_ref().expect("an input")["arguments"].clone();
        let screen = Screen::of(&updates);
        let shown = screen.calls.iter().find(|call| call.tool_call_id == asked.request.tool_call.tool_call_id);
        assert_eq!(shown.expect("a call").raw_input.as_ref().expect("an input")["arguments"], asked_for);
        let one = asked_for == json!({ "text": "one" });
        asked.choose(if one { PermissionOptionKind::RejectOnce } else { PermissionOptionKind::AllowOnce });
    }
    stage.answer(prompt).await.expect("an answer");
    updates.extend(stage.events.updates());
    let calls = Screen::of(&updates).calls;
    let ends: Vec<_> = calls
        .iter()
        .map(|call| (call.raw_input.as_ref().expect("an input")["arguments"].clone(), call.status))
        .collect();
    let expected =
        [(json!({ "text": "one" }), ToolCallStatus::Failed), (json!({ "text": "two" }), ToolCallStatus::Completed)];
    assert_eq!(ends, expected);
    mcp::leave(stage).await;
}

#[tokio::test]
async fn a_session_that_is_loaded_has_the_servers_that_come_with_the_request() {
    let mut stage = Stage::codex(mcp::SCRIPT).await;
    let session = stage.opened(mcp::session(&stage, Vec::new())).await.session_id;
    stage.turn(&session, "hello").await;
    stage.restart().await;
    let request = LoadSessionRequest::new(session.clone(), stage.workspace()).mcp_servers(vec![mcp::stdio(&stage)]);
    soon("session/load", stage.agent.load_session(request)).await.expect("loaded");
    let prompt = stage.prompt(&session, "ping it");
    stage.asked().await.0.choose(PermissionOptionKind::AllowOnce);
    stage.answer(prompt).await.expect("an answer");
    assert!(mcp::running(&stage) > 0);
    mcp::leave(stage).await;
}

#[tokio::test]
async fn the_servers_of_a_session_end_when_it_is_closed_and_no_others() {
    let stage = Stage::codex(mcp::SCRIPT).await;
    let session = stage.opened(mcp::session(&stage, vec![mcp::stdio(&stage)])).await.session_id;
    stage.turn(&session, "hello").await;
    let other = stage.opened(mcp::session(&stage, vec![mcp::stdio(&stage)])).await.session_id;
    stage.turn(&other, "hello").await;
    assert_eq!(mcp::running(&stage), 2);
    soon("session/close", stage.agent.close_session(CloseSessionRequest::new(session.clone()))).await.expect("closed");
    assert_eq!(mcp::running(&stage), 1);
    stage.turn(&other, "hello").await;
    // It can be opened at once, with servers of its own.
    let request = LoadSessionRequest::new(session.clone(), stage.workspace()).mcp_servers(vec![mcp::stdio(&stage)]);
    soon("session/load", stage.agent.load_session(request)).await.expect("loaded");
    stage.turn(&session, "hello").await;
    assert_eq!(mcp::running(&stage), 2);
    mcp::leave(stage).await;
}

#[tokio::test]
async fn a_server_that_cannot_be_started_fails_nothing_else_and_is_told() {
    let mut stage = Stage::set(Setting::new(Harness::Codex, mcp::SCRIPT).capabilities(mcp::notices())).await;
    let broken = McpServer::Stdio(McpServerStdio::new("broken", "/dev/null/server"));
    let session = stage.opened(mcp::session(&stage, vec![broken, mcp::stdio(&stage)])).await.session_id;
    let prompt = stage.prompt(&session, "ping it");
    let (asked, mut updates) = stage.asked().await;
    asked.choose(PermissionOptionKind::AllowOnce);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    stage.turn(&session, "hello").await;
    updates.extend(stage.events.updates());
    assert_eq!(Screen::of(&updates).call(PING).status, ToolCallStatus::Completed);
    assert_eq!(mcp::notices_about(&updates, "broken"), 1, "{updates:#?}");
    mcp::leave(stage).await;
}

#[tokio::test]
async fn a_form_of_a_server_is_shown_and_its_answer_goes_back() {
    let http = mcp::Http::start();
    for over_http in [false, true] {
        let mut stage = Stage::set(Setting::new(Harness::Codex, mcp::SCRIPT).capabilities(mcp::forms())).await;
        let server = if over_http { http.server(&stage) } else { mcp::stdio(&stage) };
        let session = stage.opened(mcp::session(&stage, vec![server])).await.session_id;
        let prompt = stage.prompt(&session, "who am I");
        let (asked, mut updates) = stage.asked().await;
        asked.choose(PermissionOptionKind::AllowOnce);
        let (form, before) = form(&mut stage).await;
        updates.extend(before);
        assert!(form.request.message.contains("Who are you?"), "{:?}", form.request);
        let ElicitationMode::Form(mode) = &form.request.mode else { panic!("a form") };
        let fields: Vec<_> = mode.requested_schema.properties.keys().collect();
        assert_eq!(fields, ["age", "color", "name", "sure"]);
        form.answer(mcp::filled_in());
        stage.answer(prompt).await.expect("an answer");
        updates.extend(stage.events.updates());
        let said = Screen::of(&updates).output(ASK);
        let answer = said.strip_prefix("answered: ").expect("an answer");
        let answer: serde_json::Value = serde_json::from_str(answer).expect("JSON");
        assert_eq!(answer["action"], "accept");
        assert_eq!(answer["content"], json!({ "name": "Ada", "age": 36, "sure": true }));
        mcp::leave(stage).await;
    }
}

#[tokio::test]
async fn a_form_that_is_declined_or_cannot_be_shown_is_declined_and_the_turn_goes_on() {
    for with_forms in [true, false] {
        let capabilities = if with_forms { mcp::forms() } else { ClientCapabilities::new() };
        let mut stage = Stage::set(Setting::new(Harness::Codex, mcp::SCRIPT).capabilities(capabilities)).await;
        let session = stage.opened(mcp::session(&stage, vec![mcp::stdio(&stage)])).await.session_id;
        let prompt = stage.prompt(&session, "who am I");
        let (asked, mut updates) = stage.asked().await;
        asked.choose(PermissionOptionKind::AllowOnce);
        if with_forms {
            let (form, before) = form(&mut stage).await;
            updates.extend(before);
            form.answer(CreateElicitationResponse::new(ElicitationAction::Decline));
        }
        assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
        updates.extend(stage.events.updates());
        let screen = Screen::of(&updates);
        assert!(screen.output(ASK).contains("\"action\":\"decline\""), "{screen:#?}");
        assert_eq!(screen.messages(), ["done"]);
        mcp::leave(stage).await;
    }
}

#[tokio::test]
async fn a_cancel_takes_an_open_form_back() {
    let mut stage = Stage::set(Setting::new(Harness::Codex, mcp::SCRIPT).capabilities(mcp::forms())).await;
    let session = stage.opened(mcp::session(&stage, vec![mcp::stdio(&stage)])).await.session_id;
    let prompt = stage.prompt(&session, "who am I");
    let (asked, mut updates) = stage.asked().await;
    asked.choose(PermissionOptionKind::AllowOnce);
    let (form, before) = form(&mut stage).await;
    updates.extend(before);
    stage.cancel(&session).await;
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::Cancelled);
    drop(form);
    updates.extend(stage.events.updates());
    Screen::of(&updates).assert_closed();
    stage.turn(&session, "hello").await;
    assert_eq!(stage.screen().messages(), ["Hello."]);
    mcp::leave(stage).await;
}

#[tokio::test]
async fn a_server_of_the_client_stands_in_place_of_the_users_of_that_name() {
    for own in [
        "url = \"http://127.0.0.1:9/mcp\"\nbearer_token_env_var = \"TOKEN\"\n",
        "command = \"/bin/false\"\nenabled = false\ndisabled_tools = [\"ping\"]\n[mcp_servers.demo.env]\nMCP_SECRET = \
         \"of the user\"\n",
    ] {
        let script = mcp::SCRIPT.replace("demo.", "demo_2.");
        let config = format!("[mcp_servers.demo]\n{own}");
        let mut stage = Stage::set(Setting::new(Harness::Codex, &script).config(&config)).await;
        let session = stage.opened(mcp::session(&stage, vec![mcp::stdio(&stage)])).await.session_id;
        let prompt = stage.prompt(&session, "ping it");
        let (asked, mut updates) = stage.asked().await;
        let fields = &asked.request.tool_call.fields;
        assert_eq!(fields.title.as_deref(), Some(PING));
        let raw = fields.raw_input.as_ref().expect("an input");
        assert_eq!(*raw, json!({ "server": "demo", "tool": "ping", "arguments": { "text": "one" } }));
        asked.choose(PermissionOptionKind::AllowOnce);
        stage.answer(prompt).await.expect("an answer");
        updates.extend(stage.events.updates());
        assert_eq!(Screen::of(&updates).output(PING), "pong one");
        mcp::leave(stage).await;
    }
}

#[tokio::test]
async fn servers_whose_names_look_alike_stay_apart() {
    let script = mcp::SCRIPT
        .replace("demo.ping\", arguments = { text = \"one\" }", "my_demo_2.ping\", arguments = { text = \"one\" }");
    let mut stage = Stage::codex(&script).await;
    let servers = ["my demo", "my.demo"].map(|name| match mcp::stdio(&stage) {
        McpServer::Stdio(mut server) => {
            name.clone_into(&mut server.name);
            McpServer::Stdio(server)
        }
        other => other,
    });
    let session = stage.opened(mcp::session(&stage, servers.to_vec())).await.session_id;
    let prompt = stage.prompt(&session, "ping it");
    let (asked, _) = stage.asked().await;
    assert_eq!(asked.request.tool_call.fields.title.as_deref(), Some("my.demo.ping"));
    asked.choose(PermissionOptionKind::AllowOnce);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    assert_eq!(mcp::running(&stage), 2);
    mcp::leave(stage).await;
}

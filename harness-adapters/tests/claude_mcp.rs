//! MCP servers that a client brings along to Claude Code.

mod claude;
#[path = "mcp/mod.rs"]
mod mcp;
mod support;

use acp_server::types::v1::{
    ClientCapabilities, CreateElicitationResponse, ElicitationAction, ElicitationMode, LoadSessionRequest, McpServer,
    McpServerStdio, PermissionOptionKind, StopReason, ToolCallStatus,
};
use claude::{Watch, assert_closed, call, messages, output, screen, shown};
use serde_json::json;
use support::{Event, Harness, Setting, Stage, soon};

const PING: &str = "demo: ping";
const SECRET: &str = "demo: secret";
const ASK: &str = "demo: ask";

#[tokio::test]
async fn a_tool_of_a_server_runs_once_it_is_allowed() {
    let mut stage = Stage::claude(mcp::SCRIPT).await;
    let session = stage.opened(mcp::session(&stage, vec![mcp::stdio(&stage)])).await.session_id;
    let prompt = stage.prompt(&session, "ping it");
    let mut watch = Watch::default();
    let asked = watch.asked(&mut stage.events).await;
    assert_eq!(asked.kinds().first(), Some(&PermissionOptionKind::AllowOnce));
    assert_eq!(asked.kinds().last(), Some(&PermissionOptionKind::RejectOnce));
    asked.choose(PermissionOptionKind::AllowOnce);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    let items = watch.screen(&mut stage.events);
    assert_closed(&items);
    let ping = call(&items, PING);
    assert_eq!(ping.status, ToolCallStatus::Completed);
    assert_eq!(ping.raw_input, Some(json!({ "text": "one" })));
    assert_eq!(output(ping), "pong one");
    assert_eq!(messages(&items), ["done"]);
    mcp::leave(stage).await;
}

#[tokio::test]
async fn what_is_allowed_for_the_session_is_not_asked_again_and_writes_no_settings() {
    for name in ["Allow this exact call for this session", "Allow mcp__demo__ping for this session"] {
        let mut stage = Stage::claude(mcp::SCRIPT).await;
        std::fs::create_dir(stage.workspace().join(".git")).expect("a repository");
        let session = stage.opened(mcp::session(&stage, vec![mcp::stdio(&stage)])).await.session_id;
        let prompt = stage.prompt(&session, "ping twice");
        stage.events.asked().await.choose_named(name);
        stage.answer(prompt).await.expect("an answer");
        let again = stage.events.drain().into_iter().any(|event| matches!(event, Event::Asked(_)));
        assert!(!again, "{name}: it was asked again");
        assert_eq!(mcp::files(&stage.workspace()), Vec::<std::path::PathBuf>::new(), "{name}");
        assert!(!stage.home().join(".claude/settings.json").exists(), "{name}");
        mcp::leave(stage).await;
    }
}

#[tokio::test]
async fn a_refused_tool_does_not_run_and_the_turn_goes_on() {
    let mut stage = Stage::claude(mcp::SCRIPT).await;
    let session = stage.opened(mcp::session(&stage, vec![mcp::stdio(&stage)])).await.session_id;
    let prompt = stage.prompt(&session, "ping it");
    let mut watch = Watch::default();
    watch.asked(&mut stage.events).await.choose(PermissionOptionKind::RejectOnce);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    let items = watch.screen(&mut stage.events);
    assert_eq!(call(&items, PING).status, ToolCallStatus::Failed);
    assert!(!output(call(&items, PING)).contains("pong"));
    assert_eq!(messages(&items), ["done"]);
    mcp::leave(stage).await;
}

#[tokio::test]
async fn a_tool_that_fails_is_a_call_that_failed() {
    let mut stage = Stage::claude(mcp::SCRIPT).await;
    let session = stage.opened(mcp::session(&stage, vec![mcp::stdio(&stage)])).await.session_id;
    let prompt = stage.prompt(&session, "fail it");
    let mut watch = Watch::default();
    watch.asked(&mut stage.events).await.choose(PermissionOptionKind::AllowOnce);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    let items = watch.screen(&mut stage.events);
    let failed = call(&items, "demo: fail");
    assert_eq!((failed.status, output(failed).contains("it failed")), (ToolCallStatus::Failed, true), "{failed:?}");
    mcp::leave(stage).await;
}

#[tokio::test]
async fn the_secret_of_a_server_reaches_it_and_is_seen_nowhere_else() {
    let http = mcp::Http::start();
    for over_http in [false, true] {
        let mut stage = Stage::claude(mcp::SCRIPT).await;
        let server = if over_http { http.server(&stage) } else { mcp::stdio(&stage) };
        let session = stage.opened(mcp::session(&stage, vec![server])).await.session_id;
        let prompt = stage.prompt(&session, "the secret");
        let mut watch = Watch::default();
        watch.asked(&mut stage.events).await.choose(PermissionOptionKind::AllowOnce);
        assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
        assert_eq!(output(call(&watch.screen(&mut stage.events), SECRET)), mcp::told(&stage));
        assert_eq!(mcp::running(&stage), usize::from(!over_http));
        mcp::assert_secret(&stage);
        mcp::leave(stage).await;
    }
}

#[tokio::test]
async fn two_calls_at_once_are_asked_about_each() {
    let mut stage = Stage::claude(mcp::SCRIPT).await;
    let session = stage.opened(mcp::session(&stage, vec![mcp::stdio(&stage)])).await.session_id;
    let prompt = stage.prompt(&session, "ping both");
    let mut watch = Watch::default();
    for _ in 0..2 {
        let asked = watch.asked(&mut stage.events).await;
        let one = asked.request.tool_call.fields.raw_input == Some(json!({ "text": "one" }));
        let kind = if one { PermissionOptionKind::RejectOnce } else { PermissionOptionKind::AllowOnce };
        asked.choose(kind);
    }
    stage.answer(prompt).await.expect("an answer");
    let items = watch.screen(&mut stage.events);
    let by_status: Vec<_> =
        claude::calls(&items).into_iter().map(|call| (call.raw_input.clone(), call.status)).collect();
    let expected = [
        (Some(json!({ "text": "one" })), ToolCallStatus::Failed),
        (Some(json!({ "text": "two" })), ToolCallStatus::Completed),
    ];
    assert_eq!(by_status, expected);
    mcp::leave(stage).await;
}

#[tokio::test]
async fn a_session_that_is_loaded_has_the_servers_that_come_with_the_request() {
    let mut stage = Stage::claude(mcp::SCRIPT).await;
    let session = stage.opened(mcp::session(&stage, Vec::new())).await.session_id;
    stage.turn(&session, "hello").await;
    stage.restart().await;
    let request = LoadSessionRequest::new(session.clone(), stage.workspace()).mcp_servers(vec![mcp::stdio(&stage)]);
    soon("session/load", stage.agent.load_session(request)).await.expect("loaded");
    let prompt = stage.prompt(&session, "ping it");
    stage.events.asked().await.choose(PermissionOptionKind::AllowOnce);
    stage.answer(prompt).await.expect("an answer");
    mcp::leave(stage).await;
}

#[tokio::test]
async fn a_server_that_cannot_be_started_fails_nothing_else_and_is_told() {
    let setting = Setting::new(Harness::Claude, mcp::SCRIPT).capabilities(mcp::notices());
    let mut stage = Stage::set(setting).await;
    let broken = McpServer::Stdio(McpServerStdio::new("broken", "/dev/null/server"));
    let session = stage.opened(mcp::session(&stage, vec![broken, mcp::stdio(&stage)])).await.session_id;
    let prompt = stage.prompt(&session, "ping it");
    let (asked, mut updates) = mcp::asked(&mut stage.events).await;
    asked.choose(PermissionOptionKind::AllowOnce);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    stage.turn(&session, "hello").await;
    updates.extend(stage.events.updates());
    assert_eq!(call(&screen(&updates), PING).status, ToolCallStatus::Completed);
    assert_eq!(mcp::notices_about(&updates, "broken"), 1, "{updates:#?}");
    mcp::leave(stage).await;
}

#[tokio::test]
async fn a_form_of_a_server_is_shown_and_its_answer_goes_back() {
    let http = mcp::Http::start();
    for over_http in [false, true] {
        let setting = Setting::new(Harness::Claude, mcp::SCRIPT).capabilities(mcp::forms());
        let mut stage = Stage::set(setting).await;
        let server = if over_http { http.server(&stage) } else { mcp::stdio(&stage) };
        let session = stage.opened(mcp::session(&stage, vec![server])).await.session_id;
        let prompt = stage.prompt(&session, "who am I");
        let mut watch = Watch::default();
        watch.asked(&mut stage.events).await.choose(PermissionOptionKind::AllowOnce);
        let form =
            watch.event(&mut stage.events, |event| if let Event::Form(form) = event { Some(form) } else { None }).await;
        assert!(form.request.message.contains("Who are you?"), "{:?}", form.request);
        let ElicitationMode::Form(mode) = &form.request.mode else { panic!("a form") };
        let fields: Vec<_> = mode.requested_schema.properties.keys().collect();
        assert_eq!(fields, ["age", "color", "name", "sure"]);
        form.answer(mcp::filled_in());
        stage.answer(prompt).await.expect("an answer");
        let said = output(call(&watch.screen(&mut stage.events), ASK));
        let answer = said.strip_prefix("answered: ").expect("an answer");
        let answer: serde_json::Value = serde_json::from_str(answer).expect("JSON");
        assert_eq!(answer, json!({ "action": "accept", "content": { "name": "Ada", "age": 36, "sure": true } }));
        mcp::leave(stage).await;
    }
}

#[tokio::test]
async fn a_form_that_is_declined_or_cannot_be_shown_is_declined_and_the_turn_goes_on() {
    for with_forms in [true, false] {
        let capabilities = if with_forms { mcp::forms() } else { ClientCapabilities::new() };
        let mut stage = Stage::set(Setting::new(Harness::Claude, mcp::SCRIPT).capabilities(capabilities)).await;
        let session = stage.opened(mcp::session(&stage, vec![mcp::stdio(&stage)])).await.session_id;
        let prompt = stage.prompt(&session, "who am I");
        let mut watch = Watch::default();
        watch.asked(&mut stage.events).await.choose(PermissionOptionKind::AllowOnce);
        if with_forms {
            let form = watch.event(&mut stage.events, mcp::form).await;
            form.answer(CreateElicitationResponse::new(ElicitationAction::Decline));
        }
        assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
        let items = watch.screen(&mut stage.events);
        assert_eq!(output(call(&items, ASK)), "answered: {\"action\":\"decline\"}");
        assert_eq!(messages(&items), ["done"]);
        mcp::leave(stage).await;
    }
}

#[tokio::test]
async fn a_cancel_takes_an_open_form_back() {
    let setting = Setting::new(Harness::Claude, mcp::SCRIPT).capabilities(mcp::forms());
    let mut stage = Stage::set(setting).await;
    let session = stage.opened(mcp::session(&stage, vec![mcp::stdio(&stage)])).await.session_id;
    let prompt = stage.prompt(&session, "who am I");
    let mut watch = Watch::default();
    watch.asked(&mut stage.events).await.choose(PermissionOptionKind::AllowOnce);
    let form = watch.event(&mut stage.events, mcp::form).await;
    stage.cancel(&session).await;
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::Cancelled);
    assert_closed(&watch.screen(&mut stage.events));
    drop(form);
    stage.turn(&session, "hello").await;
    assert_eq!(messages(&shown(&mut stage)), ["Hello."]);
    mcp::leave(stage).await;
}

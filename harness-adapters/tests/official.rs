//! What the official adapters do, so that the comparison on the page of the harnesses stays true: codex-acp 2.6.0 with its
//! own Codex 0.166.0, and claude-agent-acp 0.49.0, the newest that runs on Node 20. A test that fails here says that the
//! page has to be corrected.

mod support;

use acp_server::CallError;
use acp_server::types::v1::{
    NewSessionRequest, PermissionOptionKind, PromptResponse, SessionId, SessionUpdate, SetSessionModeRequest,
    StopReason, ToolCallContent, ToolCallStatus,
};
use support::{Alive, Harness, Setting, Stage, soon};

const LOOP: &str = r#"
    [[prompt]]
    match = "loop"
    replies = [[{ shell = "exec 9>alive; while true; do echo tick >> ticks; sleep 0.05; done", ask = true, timeout_ms = 60000 }]]
"#;

const SLOW: &str = r#"
    [[prompt]]
    match = "slow"
    replies = [[{ shell = "for n in 1 2 3; do echo line$n; sleep 1; done" }], [{ say = "Done." }]]
"#;

const BAD: &str = r#"
    [[prompt]]
    match = "bad"
    repeat = true
    replies = [[{ status = 400, message = "the request makes no sense" }]]
"#;

const PLAN: &str = r#"
    [[prompt]]
    match = "plan"
    replies = [[{ plan = [{ step = "A", status = "in_progress" }] }], [{ say = "Planned." }]]
"#;

const ASK: &str = r#"
    [[prompt]]
    match = "ask"
    replies = [[{ shell = "touch a1", ask = true }], [{ say = "On we go." }]]
"#;

const EDIT: &str = r#"
    [[prompt]]
    match = "edit"
    replies = [[{ write = "n.txt", text = "one\ntwo\n" }], [{ edit = "n.txt", old = "two", new = "TWO" }], [{ say = "ok" }]]
"#;

async fn stage(harness: Harness, script: &str) -> Stage {
    let setting = Setting::new(harness, script).official();
    // The official adapter for Claude Code does not start as root without it.
    Stage::set(setting.env("IS_SANDBOX", "1").env("NO_BROWSER", "1").env("MODEL_PROVIDER", "mock")).await
}

async fn session_in(stage: &Stage, mode: &str) -> SessionId {
    let session = stage.new_session().await;
    let request = SetSessionModeRequest::new(session.clone(), mode.to_owned());
    soon("session/set_mode", stage.agent.set_session_mode(request)).await.expect("a mode");
    session
}

fn texts(updates: &[SessionUpdate]) -> String {
    let text = |update: &SessionUpdate| match update {
        SessionUpdate::AgentMessageChunk(chunk) => match &chunk.content {
            acp_server::types::v1::ContentBlock::Text(text) => Some(text.text.clone()),
            _ => None,
        },
        _ => None,
    };
    updates.iter().filter_map(text).collect()
}

fn is_plan(update: &SessionUpdate) -> bool {
    matches!(update, SessionUpdate::Plan(_))
}

fn closed(updates: &[SessionUpdate]) -> bool {
    let end = |status: &ToolCallStatus| matches!(status, ToolCallStatus::Completed | ToolCallStatus::Failed);
    updates.iter().any(|update| match update {
        SessionUpdate::ToolCallUpdate(update) => update.fields.status.as_ref().is_some_and(end),
        SessionUpdate::ToolCall(call) => end(&call.status),
        _ => false,
    })
}

/// Lines that a command still writes after it was stopped, from which it is seen to go on. One that is being killed may
/// write one or two.
const GOES_ON: u64 = 20;

/// Runs the endless command, stops it, and says whether the command goes on and its call was closed.
async fn stopped(mut stage: Stage, session: &SessionId, asks: bool) -> (PromptResponse, bool, bool) {
    let ticks = stage.workspace().join("ticks");
    let size = || std::fs::metadata(&ticks).map_or(0, |meta| meta.len());
    let lines = async |count: u64| {
        while size() < count * "tick\n".len() as u64 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let mut alive = Alive::new(&stage);
    let prompt = stage.prompt(session, "loop");
    if asks {
        stage.events.asked().await.choose(PermissionOptionKind::AllowOnce);
    }
    soon("a running command", lines(5)).await;
    stage.cancel(session).await;
    let response = stage.answer(prompt).await.expect("an answer");
    let then = size() / "tick\n".len() as u64;
    let goes_on = soon("the command goes on or is gone", async {
        tokio::select! {
            () = alive.ended() => false,
            () = lines(then + GOES_ON) => true,
        }
    })
    .await;
    // Whatever was said of the call comes before the answer to a later request.
    stage.new_session().await;
    let closed = closed(&stage.events.updates());
    (response, goes_on, closed)
}

#[tokio::test]
async fn codex_a_stop_leaves_the_command_running_and_its_call_open() {
    // It would be refused if it asked in this mode.
    let stage = stage(Harness::Codex, &LOOP.replace("ask = true, ", "")).await;
    let session = session_in(&stage, "agent-full-access").await;
    let (response, goes_on, closed) = stopped(stage, &session, false).await;
    assert_eq!(response.stop_reason, StopReason::Cancelled);
    assert!(goes_on && !closed, "goes on: {goes_on}, closed: {closed}");
}

#[tokio::test]
async fn codex_the_first_line_of_a_slow_command_is_never_shown() {
    let mut stage = stage(Harness::Codex, SLOW).await;
    let session = session_in(&stage, "agent-full-access").await;
    stage.turn(&session, "slow").await;
    let shown = format!("{:?}", stage.events.updates());
    assert!(shown.contains("line2\\n") && shown.contains("line3\\n"), "{shown}");
    assert!(!shown.contains("line1\\n"), "{shown}");
}

#[tokio::test]
async fn codex_no_to_a_permission_ends_the_turn() {
    let mut stage = stage(Harness::Codex, ASK).await;
    let session = session_in(&stage, "read-only").await;
    let prompt = stage.prompt(&session, "ask");
    stage.events.asked().await.choose(PermissionOptionKind::RejectOnce);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::Cancelled);
}

#[tokio::test]
async fn codex_an_error_of_the_model_is_text_and_a_turn_that_ended_well() {
    let mut stage = stage(Harness::Codex, BAD).await;
    let session = stage.new_session().await;
    assert_eq!(stage.turn(&session, "bad").await.stop_reason, StopReason::EndTurn);
    assert!(texts(&stage.events.updates()).contains("invalid_request_error"));
}

#[tokio::test]
async fn codex_no_plan_is_shown_without_configuration() {
    let mut stage = stage(Harness::Codex, PLAN).await;
    let session = stage.new_session().await;
    stage.turn(&session, "plan").await;
    assert!(!stage.events.updates().iter().any(is_plan));
}

#[tokio::test]
async fn codex_the_mode_in_which_a_session_begins_asks_a_model() {
    let stage = stage(Harness::Codex, ASK).await;
    let opened = stage.opened(NewSessionRequest::new(stage.workspace())).await;
    assert_eq!(&*opened.modes.expect("modes").current_mode_id.0, "agent");
}

#[tokio::test]
async fn codex_diffs_are_whole_and_calls_have_no_names() {
    let mut stage = stage(Harness::Codex, EDIT).await;
    let session = session_in(&stage, "agent-full-access").await;
    stage.turn(&session, "edit").await;
    let updates = stage.events.updates();
    let shown = format!("{updates:?}");
    assert!(shown.contains("one\\nTWO\\n") && shown.contains("Editing files"), "{shown}");
}

#[tokio::test]
async fn claude_a_stop_kills_the_command_and_leaves_its_call_open() {
    let stage = stage(Harness::Claude, LOOP).await;
    let session = stage.new_session().await;
    let (response, goes_on, closed) = stopped(stage, &session, true).await;
    assert_eq!(response.stop_reason, StopReason::Cancelled);
    assert!(!goes_on && !closed, "goes on: {goes_on}, closed: {closed}");
}

#[tokio::test]
async fn claude_an_error_of_the_model_is_text_and_an_error() {
    let mut stage = stage(Harness::Claude, BAD).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "bad");
    assert!(matches!(stage.answer(prompt).await, Err(CallError::Refused { .. })));
    assert!(texts(&stage.events.updates()).contains("API Error: 400"));
}

#[tokio::test]
async fn claude_no_to_a_permission_lets_the_turn_go_on() {
    let mut stage = stage(Harness::Claude, ASK).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "ask");
    stage.events.asked().await.choose(PermissionOptionKind::RejectOnce);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
}

#[tokio::test]
async fn claude_plans_are_shown() {
    let mut stage = stage(Harness::Claude, PLAN).await;
    let session = stage.new_session().await;
    stage.turn(&session, "plan").await;
    assert!(stage.events.updates().iter().any(is_plan));
}

#[tokio::test]
async fn claude_a_diff_is_first_the_snippet_and_then_the_hunk() {
    let mut stage = stage(Harness::Claude, EDIT).await;
    let session = session_in(&stage, "acceptEdits").await;
    stage.turn(&session, "edit").await;
    let old_texts: Vec<_> = stage
        .events
        .updates()
        .into_iter()
        .filter_map(
            |update| if let SessionUpdate::ToolCallUpdate(update) = update { update.fields.content } else { None },
        )
        .flatten()
        .filter_map(|content| if let ToolCallContent::Diff(diff) = content { diff.old_text } else { None })
        .collect();
    assert_eq!(old_texts, ["two", "one\ntwo"]);
}

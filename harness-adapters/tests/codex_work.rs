//! What Codex does when no prompt is open: commands in the background, and goals.

mod codex;
mod support;

use std::path::Path;

use acp_server::types::RawBuf;
use acp_server::types::v1::{SessionId, SessionUpdate, StopReason, ToolCallStatus};
use codex::Screen;
use serde_json::{Value, json};
use support::{Stage, soon};

const SCRIPT: &str = r#"
    [[prompt]]
    match = "in the background"
    replies = [
      [{ shell = "echo begun; while true; do date >> ticks; sleep 0.1; done", background = true }],
      [{ say = "left running" }],
    ]
    [[prompt]]
    match = "finish the wall"
    replies = [[{ say = "one brick" }], [{ endless = "tick ", every_ms = 20 }]]
    [[prompt]]
    match = "say hello"
    replies = [[{ say = "hello" }]]
    repeat = true
    [[prompt]]
    match = "AGENTS.md"
    replies = [[{ write = "AGENTS.md", text = "Build with make.\n" }], [{ say = "written" }]]
"#;
const TITLE: &str = "echo begun; while true; do date >> ticks; sleep 0.1; done";

/// Leaves a command in the background: its updates so far.
async fn left_running(stage: &mut Stage, session: &SessionId) -> Vec<SessionUpdate> {
    stage.turn(session, "in the background").await;
    let ticks = stage.workspace().join("ticks");
    soon("a tick", async {
        while !ticks.exists() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    stage.events.updates()
}

async fn stop_task(stage: &Stage, session: &SessionId, task: &str) -> Value {
    let params = RawBuf::encode(&json!({ "sessionId": session, "asyncTaskId": task })).expect("JSON");
    let answer = soon("an answer", stage.agent.peer().call_raw("_session/async_task/stop", params)).await;
    serde_json::from_str(answer.expect("an answer").raw().as_str()).expect("JSON")
}

/// Waits for the end of the command that runs in the background.
async fn ended(stage: &mut Stage, mut updates: Vec<SessionUpdate>) -> Screen {
    let call = Screen::of(&updates).call(TITLE).tool_call_id.clone();
    let rest = stage.until(|update| match update {
        SessionUpdate::ToolCallUpdate(update) => update.tool_call_id == call && update.fields.raw_output.is_some(),
        _ => false,
    });
    updates.extend(rest.await);
    Screen::of(&updates)
}

async fn assert_quiet(stage: &Stage, session: &SessionId, ticks: &Path) {
    let size = std::fs::metadata(ticks).expect("ticks").len();
    assert_eq!(stage.turn(session, "say hello").await.stop_reason, StopReason::EndTurn);
    assert_eq!(std::fs::metadata(ticks).expect("ticks").len(), size, "the command still runs");
}

#[tokio::test]
async fn a_command_in_the_background_is_stopped_by_the_id_of_its_call() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    let updates = left_running(&mut stage, &session).await;
    let task = updates.iter().find_map(|update| match update {
        SessionUpdate::ToolCallUpdate(update) => {
            let meta = update.meta.as_ref().filter(|meta| meta.contains_key("background"))?;
            meta.get("asyncTaskId")?.as_str().map(str::to_owned)
        }
        _ => None,
    });
    let task = task.expect("the client is told what goes on");
    assert_eq!(stop_task(&stage, &session, "nothing").await, json!({ "stopped": false }));
    assert_eq!(stop_task(&stage, &session, &task).await, json!({ "stopped": true }));
    let screen = ended(&mut stage, updates).await;
    assert_eq!(screen.call(TITLE).status, ToolCallStatus::Failed);
    assert_eq!(screen.output(TITLE), "begun\n");
    assert_quiet(&stage, &session, &stage.workspace().join("ticks")).await;
    assert_eq!(stop_task(&stage, &session, &task).await, json!({ "stopped": false }));
    stage.leave().await;
}

#[tokio::test]
async fn a_stop_without_a_prompt_ends_commands_in_the_background() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    let updates = left_running(&mut stage, &session).await;
    stage.cancel(&session).await;
    let screen = ended(&mut stage, updates).await;
    assert_eq!(screen.call(TITLE).status, ToolCallStatus::Failed);
    assert_quiet(&stage, &session, &stage.workspace().join("ticks")).await;
    stage.leave().await;
}

#[tokio::test]
async fn a_goal_goes_on_by_itself_until_a_stop_and_the_prompts_behind_it_run() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    let first = stage.turn(&session, "/goal finish the wall").await;
    assert_eq!(first.stop_reason, StopReason::EndTurn);
    assert!(stage.screen().messages().concat().starts_with("one brick"));
    // The next turn is nobody's.
    stage.events.said("tick").await;
    stage.cancel(&session).await;
    assert_eq!(stage.turn(&session, "say hello").await.stop_reason, StopReason::EndTurn);
    stage.events.drain();
    stage.turn(&session, "/goal").await;
    let said = stage.screen().messages().concat();
    assert!(said.contains("finish the wall") && said.contains("paused"), "{said}");
    stage.turn(&session, "/goal clear").await;
    stage.turn(&session, "/goal").await;
    assert!(stage.screen().messages().concat().contains("There is no goal"));
    stage.leave().await;
}

#[tokio::test]
async fn init_writes_a_guide() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    stage.turn(&session, "/init").await;
    assert_eq!(stage.read("AGENTS.md").as_deref(), Some("Build with make.\n"));
    assert_eq!(stage.screen().messages(), ["written"]);
    stage.leave().await;
}

#[tokio::test]
async fn logout_forgets_the_key() {
    let mut stage = Stage::codex(SCRIPT).await;
    let login = stage.home().join(".codex/auth.json");
    std::fs::write(&login, r#"{ "OPENAI_API_KEY": "test-key" }"#).expect("write");
    let session = stage.new_session().await;
    stage.turn(&session, "/logout").await;
    assert!(stage.screen().messages().concat().contains("logged out"));
    assert!(!login.exists(), "the key is still there");
    stage.leave().await;
}

//! Turns that are stopped, and what comes while one runs.

mod codex;
mod support;

use acp_server::types::v1::{PermissionOptionKind, StopReason, ToolCallStatus};
use codex::opens;
use support::{Alive, Event, Stage, soon};

const SCRIPT: &str = r#"
    [[prompt]]
    match = "talk forever"
    replies = [[{ endless = "tick ", every_ms = 20 }]]
    [[prompt]]
    match = "run forever"
    replies = [[{ shell = "exec 9>alive; while true; do date >> ticks; sleep 0.1; done", timeout_ms = 120000 }], [{ say = "ran" }]]
    [[prompt]]
    match = "ask me"
    replies = [[{ shell = "touch asked-for", ask = true }], [{ say = "asked" }]]
    [[prompt]]
    match = "say hello"
    replies = [[{ say = "hello" }]]
    [[prompt]]
    match = "wait for it"
    replies = [[{ say = "waiting" }, { wait = "gate" }, { say = "waited" }]]
    [[prompt]]
    match = "in the background"
    replies = [[{ shell = "echo begun; sleep 2; echo over", background = true }], [{ say = "left running" }]]
"#;

#[tokio::test]
async fn a_text_is_stopped_and_the_next_prompt_works() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "talk forever");
    stage.events.said("tick tick").await;
    stage.cancel(&session).await;
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::Cancelled);
    stage.events.drain();
    stage.turn(&session, "say hello").await;
    assert_eq!(stage.screen().messages(), ["hello"]);
    stage.leave().await;
}

#[tokio::test]
async fn a_command_is_killed_and_its_call_closed_before_the_answer() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    let mut alive = Alive::new(&stage);
    let prompt = stage.prompt(&session, "run forever");
    let mut updates =
        stage.until(|update| opens(update, "exec 9>alive; while true; do date >> ticks; sleep 0.1; done")).await;
    let ticks = stage.workspace().join("ticks");
    soon("a tick", async {
        while !ticks.exists() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    stage.cancel(&session).await;
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::Cancelled);
    let size = std::fs::metadata(&ticks).expect("ticks").len();
    updates.extend(stage.events.updates());
    let screen = codex::Screen::of(&updates);
    screen.assert_closed();
    assert_eq!(screen.calls[0].status, ToolCallStatus::Failed);
    stage.turn(&session, "say hello").await;
    assert_eq!(stage.screen().messages(), ["hello"]);
    alive.killed().await;
    assert_eq!(std::fs::metadata(&ticks).expect("ticks").len(), size, "the command ran on after the answer");
    stage.leave().await;
}

#[tokio::test]
async fn a_question_is_taken_back() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "ask me");
    let asked = stage.events.asked().await;
    stage.cancel(&session).await;
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::Cancelled);
    let withdrawn = stage.events.drain().into_iter().any(|event| matches!(event, Event::Withdrawn(_)));
    assert!(withdrawn, "{:#?}", stage.events.seen);
    drop(asked);
    assert_eq!(stage.read("asked-for"), None);
    let prompt = stage.prompt(&session, "ask me");
    stage.events.asked().await.choose(PermissionOptionKind::AllowOnce);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    stage.leave().await;
}

#[tokio::test]
async fn a_second_prompt_waits_for_its_turn() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    let first = stage.prompt(&session, "wait for it");
    stage.events.said("waiting").await;
    let second = stage.prompt(&session, "say hello");
    stage.model.release("gate");
    assert_eq!(stage.answer(first).await.expect("an answer").stop_reason, StopReason::EndTurn);
    assert_eq!(stage.answer(second).await.expect("an answer").stop_reason, StopReason::EndTurn);
    let screen = stage.screen();
    let said = screen.messages().concat();
    assert!(said.ends_with("waitedhello"), "{said}");
    stage.leave().await;
}

#[tokio::test]
async fn a_cancel_stops_the_turn_and_what_waits() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    let first = stage.prompt(&session, "talk forever");
    stage.events.said("tick").await;
    let second = stage.prompt(&session, "say hello");
    // Sent one after the other; the agent has both before the cancel.
    tokio::task::yield_now().await;
    stage.cancel(&session).await;
    assert_eq!(stage.answer(first).await.expect("an answer").stop_reason, StopReason::Cancelled);
    let second = stage.answer(second).await.expect("an answer").stop_reason;
    assert!(matches!(second, StopReason::Cancelled | StopReason::EndTurn), "{second:?}");
    stage.leave().await;
}

#[tokio::test]
async fn background_commands_outlive_their_turn_and_answer_nobody() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    stage.turn(&session, "in the background").await;
    let mut updates = stage.events.updates();
    codex::Screen::of(&updates).assert_closed();
    let next = stage.prompt(&session, "wait for it");
    let title = "echo begun; sleep 2; echo over";
    let call = codex::Screen::of(&updates).call(title).tool_call_id.clone();
    updates.extend(
        stage
            .until(|update| match update {
                acp_server::types::v1::SessionUpdate::ToolCallUpdate(update) => {
                    update.tool_call_id == call && update.fields.raw_output.is_some()
                }
                _ => false,
            })
            .await,
    );
    let screen = codex::Screen::of(&updates);
    assert_eq!(screen.output(title), "begun\nover\n");
    assert!(!next.is_finished(), "the end of the command answered a prompt");
    stage.model.release("gate");
    assert_eq!(stage.answer(next).await.expect("an answer").stop_reason, StopReason::EndTurn);
    stage.leave().await;
}

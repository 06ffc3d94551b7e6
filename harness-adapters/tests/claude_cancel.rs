//! Stopping Claude Code.

mod claude;
mod support;

use std::time::Duration;

use acp_server::types::v1::{SessionId, StopReason, ToolCallStatus};
use claude::{Watch, assert_closed, call, messages, output, shown};
use support::{Alive, Event, Stage};

const ENDLESS: &str = r#"
    [[prompt]]
    match = "talk"
    replies = [[{ say = "I talk. " }, { endless = "tick ", every_ms = 20 }]]

    [[prompt]]
    match = "again"
    replies = [[{ say = "Here I am." }]]
"#;

#[tokio::test]
async fn a_turn_that_talks_is_stopped_and_the_next_one_works() {
    let mut stage = Stage::claude(ENDLESS).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "talk");
    stage.events.said("tick").await;
    stage.cancel(&session).await;
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::Cancelled);
    stage.events.drain();
    assert_eq!(stage.turn(&session, "again").await.stop_reason, StopReason::EndTurn);
    assert_eq!(messages(&shown(&mut stage)), ["Here I am."]);
    stage.leave().await;
}

#[tokio::test]
async fn a_command_that_runs_is_killed_and_its_call_fails_without_words_for_the_model() {
    let script = r#"
        [[prompt]]
        match = "run"
        replies = [[{ shell = "exec 9>alive; while true; do echo x >> grows.txt; sleep 0.05; done" }], [{ say = "never" }]]

        [[prompt]]
        match = "again"
        replies = [[{ say = "Here I am." }]]
    "#;
    let mut stage = Stage::claude(script).await;
    let session = stage.new_session().await;
    let mut alive = Alive::new(&stage);
    let prompt = stage.prompt(&session, "run");
    let mut watch = Watch::default();
    watch.asked(&mut stage.events).await.choose(acp_server::types::v1::PermissionOptionKind::AllowOnce);
    support::soon("the command runs", async {
        while stage.read("grows.txt").is_none_or(|text| text.len() < 4) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    stage.cancel(&session).await;
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::Cancelled);
    let items = watch.screen(&mut stage.events);
    let command = call(&items, "exec 9>alive; while true; do echo x >> grows.txt; sleep 0.05; done");
    assert_eq!((command.status, output(command).as_str()), (ToolCallStatus::Failed, ""));
    assert!(!format!("{items:?}").contains("doesn't want to proceed"), "{items:#?}");
    alive.killed().await;
    assert_eq!(stage.turn(&session, "again").await.stop_reason, StopReason::EndTurn);
    stage.leave().await;
}

#[tokio::test]
async fn an_open_question_is_taken_back() {
    let script = r#"
        [[prompt]]
        match = "touch"
        replies = [[{ shell = "touch a1" }, { shell = "touch b1" }], [{ say = "never" }]]
    "#;
    let mut stage = Stage::claude(script).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "touch");
    let mut watch = Watch::default();
    let asked = watch.asked(&mut stage.events).await;
    stage.cancel(&session).await;
    let withdrawn = |event| if let Event::Withdrawn(call) = event { Some(call) } else { None };
    let taken = watch.event(&mut stage.events, withdrawn).await;
    assert_eq!(taken, *asked.request.tool_call.tool_call_id.0);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::Cancelled);
    assert_closed(&watch.screen(&mut stage.events));
    assert_eq!((stage.read("a1"), stage.read("b1")), (None, None));
    stage.leave().await;
}

#[tokio::test]
async fn a_prompt_that_is_cancelled_at_once_does_not_run() {
    let mut stage = Stage::claude(ENDLESS).await;
    let session = stage.new_session().await;
    for _ in 0..3 {
        let prompt = stage.prompt(&session, "talk");
        // The prompt is on its way before the cancel: both use one connection, in order.
        tokio::task::yield_now().await;
        stage.cancel(&session).await;
        assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::Cancelled);
    }
    stage.events.drain();
    assert_eq!(stage.turn(&session, "again").await.stop_reason, StopReason::EndTurn);
    assert_eq!(messages(&shown(&mut stage)), ["Here I am."]);
    stage.leave().await;
}

#[tokio::test]
async fn cancelling_an_idle_session_does_nothing_to_the_next_turn() {
    let stage = Stage::claude(ENDLESS).await;
    let session = stage.new_session().await;
    stage.cancel(&session).await;
    assert_eq!(stage.turn(&session, "again").await.stop_reason, StopReason::EndTurn);
    stage.leave().await;
}

#[tokio::test]
async fn a_prompt_that_waits_is_taken_back_with_the_one_that_runs() {
    let mut stage = Stage::claude(ENDLESS).await;
    let session = stage.new_session().await;
    let first = stage.prompt(&session, "talk");
    stage.events.said("tick").await;
    let second = stage.prompt(&session, "again");
    // Sent one after the other; the agent has both before the cancel.
    tokio::task::yield_now().await;
    stage.events.said("tick").await;
    stage.cancel(&session).await;
    assert_eq!(stage.answer(first).await.expect("an answer").stop_reason, StopReason::Cancelled);
    assert_eq!(stage.answer(second).await.expect("an answer").stop_reason, StopReason::Cancelled);
    let asked = stage.model.requests().iter().filter(|request| request["side"].is_null()).count();
    assert_eq!(asked, 1, "the second prompt was never sent");
    stage.leave().await;
}

/// A session in a turn that nobody prompted for: a command in the background has ended.
async fn in_a_turn_of_its_own() -> (Stage, SessionId) {
    let script = r#"
        [[prompt]]
        match = "task-notification"
        replies = [[{ say = "It is done. " }, { endless = "tick ", every_ms = 20 }]]

        [[prompt]]
        match = "start"
        replies = [[{ shell = "until test -e go; do sleep 0.05; done", background = true }], [{ say = "It runs." }]]

        [[prompt]]
        match = "again"
        replies = [[{ say = "Here I am." }]]
    "#;
    let mut stage = Stage::claude(script).await;
    let session = stage.new_session().await;
    stage.turn(&session, "start").await;
    stage.write("go", "");
    stage.events.said("tick").await;
    (stage, session)
}

#[tokio::test]
async fn a_turn_that_nobody_prompted_for_is_stopped_too() {
    let (mut stage, session) = in_a_turn_of_its_own().await;
    stage.cancel(&session).await;
    assert_eq!(stage.turn(&session, "again").await.stop_reason, StopReason::EndTurn);
    assert!(messages(&shown(&mut stage)).contains(&"Here I am."));
    stage.leave().await;
}

#[tokio::test]
async fn a_prompt_that_waits_for_such_a_turn_is_cancelled_with_it() {
    let (stage, session) = in_a_turn_of_its_own().await;
    let waits = stage.prompt(&session, "again, please");
    stage.cancel(&session).await;
    let stopped = stage.answer(waits).await.expect("an answer").stop_reason;
    assert!(matches!(stopped, StopReason::Cancelled | StopReason::EndTurn), "{stopped:?}");
    assert_eq!(stage.turn(&session, "again").await.stop_reason, StopReason::EndTurn);
    stage.leave().await;
}

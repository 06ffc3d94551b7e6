//! Several things at once: prompts that wait, messages put into a turn, work in the background.

mod claude;
mod support;

use acp_server::types::RawBuf;
use acp_server::types::v1::{SessionId, StopReason, ToolCallStatus};
use claude::{Watch, calls, messages, shown};
use serde_json::{Value, json};
use support::{Stage, soon};

/// Puts a message into the turn that runs.
async fn steer(stage: &Stage, session: &SessionId, text: &str) -> String {
    let params = json!({ "sessionId": session, "prompt": [{ "type": "text", "text": text }] });
    let params = RawBuf::encode(&params).expect("JSON");
    let answer = soon("an answer", stage.agent.peer().call_raw("_session/steering", params)).await;
    let answer: Value = answer.expect("a result").raw().decode().expect("JSON");
    answer["outcome"].as_str().expect("an outcome").to_owned()
}

#[tokio::test]
async fn a_second_prompt_waits_and_each_gets_its_own_answer() {
    let script = r#"
        [[prompt]]
        match = "first"
        replies = [[{ say = "One" }, { wait = "gate" }, { say = "." }]]

        [[prompt]]
        match = "second"
        replies = [[{ say = "Two." }]]
    "#;
    let mut stage = Stage::claude(script).await;
    let session = stage.new_session().await;
    let first = stage.prompt(&session, "first");
    stage.events.said("One").await;
    let second = stage.prompt(&session, "second");
    stage.model.release("gate");
    assert_eq!(stage.answer(first).await.expect("an answer").stop_reason, StopReason::EndTurn);
    assert_eq!(stage.answer(second).await.expect("an answer").stop_reason, StopReason::EndTurn);
    let said: String = messages(&shown(&mut stage)).concat();
    assert!(said.ends_with("Two."), "{said}");
    stage.leave().await;
}

#[tokio::test]
async fn a_message_put_into_a_turn_is_part_of_it() {
    let script = r#"
        [[prompt]]
        match = "and this"
        replies = [[{ say = "Both." }]]

        [[prompt]]
        match = "work"
        replies = [[{ say = "I work." }, { shell = "until test -e go; do sleep 0.05; done" }], [{ say = "Only one." }]]
    "#;
    let mut stage = Stage::claude(script).await;
    let session = stage.new_session().await;
    assert_eq!(steer(&stage, &session, "and this").await, "idle");
    let prompt = stage.prompt(&session, "work");
    let mut watch = Watch::default();
    watch.runs(&mut stage.events, "until test -e go; do sleep 0.05; done").await;
    assert_eq!(steer(&stage, &session, "and this").await, "injected");
    stage.write("go", "");
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    assert_eq!(messages(&watch.screen(&mut stage.events)).last(), Some(&"Both."));
    stage.leave().await;
}

#[tokio::test]
async fn a_message_that_came_too_late_for_the_turn_is_answered_with_it() {
    let script = r#"
        [[prompt]]
        match = "and this"
        replies = [[{ say = "This too." }]]

        [[prompt]]
        match = "talk"
        replies = [[{ say = "I talk" }, { wait = "gate" }, { say = "." }]]
    "#;
    let mut stage = Stage::claude(script).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "talk");
    let mut watch = Watch::default();
    watch.said(&mut stage.events, "I talk").await;
    assert_eq!(steer(&stage, &session, "and this").await, "injected");
    stage.model.release("gate");
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    assert_eq!(messages(&watch.screen(&mut stage.events)).last(), Some(&"This too."));
    stage.leave().await;
}

#[tokio::test]
async fn work_that_ends_after_its_turn_answers_no_other_prompt() {
    let script = r#"
        [[prompt]]
        match = "task-notification"
        replies = [[{ say = "The background is done." }]]

        [[prompt]]
        match = "start"
        replies = [
          [{ shell = "until test -e go; do sleep 0.05; done; echo done", background = true }],
          [{ say = "It runs." }],
        ]

        [[prompt]]
        match = "next"
        replies = [[{ say = "Next" }, { wait = "gate" }, { say = "." }]]
    "#;
    let mut stage = Stage::claude(script).await;
    let session = stage.new_session().await;
    let mut watch = Watch::default();
    let prompt = stage.prompt(&session, "start");
    stage.answer(prompt).await.expect("an answer");
    stage.write("go", "");
    watch.said(&mut stage.events, "The background is done.").await;
    let prompt = stage.prompt(&session, "next");
    watch.said(&mut stage.events, "Next").await;
    assert!(!prompt.is_finished(), "the background's result answered the prompt");
    stage.model.release("gate");
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    let items = watch.screen(&mut stage.events);
    assert_eq!(calls(&items)[0].status, ToolCallStatus::Completed);
    stage.leave().await;
}

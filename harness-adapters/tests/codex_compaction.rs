//! A conversation of Codex that is compacted.

mod codex;
mod compaction;
mod support;

use acp_server::CallError;
use acp_server::types::ErrorCode;
use acp_server::types::v1::{CompactionStatus, LoadSessionRequest, SessionUpdate, StopReason};
use codex::Screen;
use compaction::{SCRIPT, compactions, with_compaction};
use serde_json::Value;
use support::{Harness, Model, Setting, Stage, soon};

fn said(screen: &Screen) -> Vec<&str> {
    screen.texts.iter().map(|text| text.2.as_str()).collect()
}

#[tokio::test]
async fn a_compaction_is_shown_and_the_session_goes_on_and_loads_whole() {
    let mut stage = Stage::set(Setting::new(Harness::Codex, SCRIPT).capabilities(with_compaction())).await;
    let session = stage.new_session().await;
    stage.turn(&session, "remember the violets").await;
    stage.events.drain();
    assert_eq!(stage.turn(&session, "/compact").await.stop_reason, StopReason::EndTurn);
    let updates = stage.events.updates();
    let seen = compactions(&updates);
    let [(begun, CompactionStatus::InProgress), (done, CompactionStatus::Completed)] = &seen[..] else {
        panic!("one compaction from beginning to end, not {seen:?}")
    };
    assert_eq!(begun, done);
    assert_eq!(said(&Screen::of(&updates)), Vec::<&str>::new());
    stage.turn(&session, "and now").await;
    assert_eq!(stage.screen().messages(), ["I go on."]);
    let request = stage.model.requests().into_iter().rev().find(|request| request["side"].is_null());
    let told = request.expect("a request")["body"]["input"].to_string();
    assert!(told.contains("We spoke of violets.") && !told.contains("I remember."), "{told}");

    stage.restart().await;
    let request = LoadSessionRequest::new(session.clone(), stage.workspace());
    soon("session/load", stage.agent.load_session(request)).await.expect("loaded");
    let screen = stage.screen();
    screen.assert_closed();
    screen.call("echo violets");
    assert_eq!(said(&screen), ["remember the violets", "I remember.", "and now", "I go on."]);
    stage.turn(&session, "at last").await;
    assert_eq!(stage.screen().messages(), ["I end."]);
    stage.leave().await;
}

#[tokio::test]
async fn a_client_that_cannot_show_compactions_is_told_in_a_thought() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    stage.turn(&session, "remember the violets").await;
    stage.events.drain();
    assert_eq!(stage.turn(&session, "/compact").await.stop_reason, StopReason::EndTurn);
    let updates = stage.events.updates();
    assert_eq!(compactions(&updates), []);
    let screen = Screen::of(&updates);
    let [("thought", _, text)] = &screen.texts[..] else { panic!("a thought, not {screen:#?}") };
    assert!(text.contains("compacted"), "{text}");
    stage.leave().await;
}

#[tokio::test]
async fn a_compaction_that_fails_does_not_stay_open_and_says_why() {
    let mut stage = Stage::set(Setting::new(Harness::Codex, SCRIPT).capabilities(with_compaction())).await;
    let session = stage.new_session().await;
    stage.turn(&session, "remember the violets").await;
    stage.events.drain();
    let elsewhere = tempfile::tempdir().expect("a directory");
    // Ends the one that the harness asks.
    stage.model = Model::start(SCRIPT, elsewhere.path());
    let answer = stage.answer(stage.prompt(&session, "/compact")).await;
    let updates = stage.events.updates();
    let seen = compactions(&updates);
    let [(begun, CompactionStatus::InProgress), (ended, CompactionStatus::Failed)] = &seen[..] else {
        panic!("one compaction that failed, not {seen:?}")
    };
    assert_eq!(begun, ended);
    // This client has no notices, so it is told of the attempts in a thought.
    let mut screen = Screen::of(&updates);
    screen.texts.retain(|(kind, _, text)| !(*kind == "thought" && text.starts_with("Reconnecting")));
    assert_eq!(screen, Screen::default());
    let Err(CallError::Refused { error, .. }) = answer else { panic!("an error, not {answer:?}") };
    assert_eq!(error.code(), ErrorCode::INTERNAL_ERROR);
    assert!(error.message().contains("Connection failed"), "{}", error.message());
    let data: Value = error.data().expect("a cause").decode().expect("JSON");
    assert_eq!(data["kind"], "model");
    assert!(data["codexErrorInfo"]["httpConnectionFailed"].is_object(), "{data}");
    stage.leave().await;
}

#[tokio::test]
async fn a_compaction_that_is_stopped_is_cancelled_and_the_session_goes_on() {
    let mut stage = Stage::set(Setting::new(Harness::Codex, SCRIPT).capabilities(with_compaction())).await;
    let session = stage.new_session().await;
    stage.turn(&session, "remember the violets").await;
    stage.events.drain();
    stage.model.freeze();
    let prompt = stage.prompt(&session, "/compact");
    let mut updates = stage.until(|update| matches!(update, SessionUpdate::CompactionUpdate(_))).await;
    stage.cancel(&session).await;
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::Cancelled);
    updates.extend(stage.events.updates());
    let seen = compactions(&updates);
    let [(begun, CompactionStatus::InProgress), (ended, CompactionStatus::Cancelled)] = &seen[..] else {
        panic!("one compaction that was cancelled, not {seen:?}")
    };
    assert_eq!(begun, ended);
    stage.model.thaw();
    stage.turn(&session, "and now").await;
    assert_eq!(stage.screen().messages(), ["I go on."]);
    let request = stage.model.requests().into_iter().rev().find(|request| request["side"].is_null());
    let told = request.expect("a request")["body"]["input"].to_string();
    assert!(told.contains("I remember."), "{told}");
    stage.leave().await;
}

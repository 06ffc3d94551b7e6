//! A conversation of Claude Code that is compacted.

mod claude;
mod compaction;
mod support;

use acp_server::CallError;
use acp_server::types::ErrorCode;
use acp_server::types::v1::{
    CompactionStatus, ContentBlock, EmbeddedResource, EmbeddedResourceResource, LoadSessionRequest, PromptRequest,
    SessionUpdate, StopReason, TextResourceContents,
};
use claude::{Item, assert_closed, call, messages, screen};
use compaction::{SCRIPT, compactions, with_compaction};
use serde_json::Value;
use support::{Event, Harness, Model, Setting, Stage, soon};

fn texts(items: &[Item]) -> Vec<&str> {
    let texts = items.iter().filter_map(|item| match item {
        Item::User(text) | Item::Message { text, .. } => Some(&**text),
        _ => None,
    });
    texts.collect()
}

#[tokio::test]
async fn a_compaction_is_shown_and_the_session_goes_on_and_loads_whole() {
    let setting = Setting::new(Harness::Claude, SCRIPT).capabilities(with_compaction());
    let mut stage = Stage::set(setting).await;
    let session = stage.new_session().await;
    let mut ids = Vec::new();
    for prompt in ["remember the violets", "and now"] {
        stage.turn(&session, prompt).await;
        stage.events.drain();
        assert_eq!(stage.turn(&session, "/compact").await.stop_reason, StopReason::EndTurn);
        let updates = stage.events.updates();
        let seen = compactions(&updates);
        let [(begun, CompactionStatus::InProgress), (done, CompactionStatus::Completed)] = &seen[..] else {
            panic!("one compaction from beginning to end, not {seen:?}")
        };
        assert_eq!(begun, done);
        assert!(!ids.contains(done), "{done} was there already");
        ids.push(done.clone());
        let items = screen(&updates);
        assert!(!texts(&items).concat().contains("We spoke of violets."), "{items:#?}");
    }
    stage.turn(&session, "once more").await;
    assert_eq!(messages(&screen(&stage.events.updates())), ["And on."]);
    let request = stage.model.requests().into_iter().rev().find(|request| request["side"].is_null());
    let told = request.expect("a request")["body"]["messages"].to_string();
    assert!(told.contains("We spoke of violets.") && !told.contains("echo violets"), "{told}");

    stage.restart().await;
    let request = LoadSessionRequest::new(session.clone(), stage.workspace());
    soon("session/load", stage.agent.load_session(request)).await.expect("loaded");
    let items = screen(&stage.events.updates());
    assert_closed(&items);
    call(&items, "echo violets");
    let texts: Vec<_> = texts(&items).into_iter().filter(|text| !text.contains("ompact")).collect();
    assert_eq!(texts, ["remember the violets", "I remember.", "and now", "I go on.", "once more", "And on."]);
    stage.turn(&session, "at last").await;
    assert_eq!(messages(&screen(&stage.events.updates())), ["I end."]);
    stage.turn(&session, "/compact").await;
    let again = compactions(&stage.events.updates());
    assert!(!again.is_empty() && again.iter().all(|(id, _)| !ids.contains(id)), "{again:?}");
    stage.leave().await;
}

#[tokio::test]
async fn a_client_that_cannot_show_compactions_is_told_in_a_thought() {
    let mut stage = Stage::claude(SCRIPT).await;
    let session = stage.new_session().await;
    stage.turn(&session, "remember the violets").await;
    assert_eq!(stage.turn(&session, "/compact").await.stop_reason, StopReason::EndTurn);
    stage.turn(&session, "and now").await;
    let updates = stage.events.updates();
    assert_eq!(compactions(&updates), []);
    let items = screen(&updates);
    assert!(!texts(&items).concat().contains("We spoke of violets."), "{items:#?}");
    let told = |item: &Item| matches!(item, Item::Thought { text, .. } if text == "The conversation was compacted.");
    assert_eq!(items.iter().filter(|item| told(item)).count(), 1, "{items:#?}");
    stage.leave().await;
}

#[tokio::test]
async fn a_command_is_one_wherever_a_file_stands_beside_it() {
    let file = || {
        let file = TextResourceContents::new("fn a() {}", "file:///ws/a.rs");
        ContentBlock::Resource(EmbeddedResource::new(EmbeddedResourceResource::TextResourceContents(file)))
    };
    for prompt in [vec!["/compact".into(), file()], vec![file(), "/compact".into()], vec![" /compact".into()]] {
        let setting = Setting::new(Harness::Claude, SCRIPT).capabilities(with_compaction());
        let mut stage = Stage::set(setting).await;
        let session = stage.new_session().await;
        stage.turn(&session, "remember the violets").await;
        stage.events.drain();
        let request = PromptRequest::new(session, prompt);
        let answer = soon("an answer", stage.agent.prompt(request)).await.expect("an answer");
        assert_eq!(answer.stop_reason, StopReason::EndTurn);
        let seen = compactions(&stage.events.updates());
        assert!(seen.iter().any(|(_, status)| *status == CompactionStatus::Completed), "{seen:?}");
        stage.leave().await;
    }
}

#[tokio::test]
async fn a_compaction_of_nothing_says_so() {
    let setting = Setting::new(Harness::Claude, SCRIPT).capabilities(with_compaction());
    let mut stage = Stage::set(setting).await;
    let session = stage.new_session().await;
    assert_eq!(stage.turn(&session, "/compact").await.stop_reason, StopReason::EndTurn);
    let updates = stage.events.updates();
    assert_eq!(compactions(&updates), []);
    assert_eq!(messages(&screen(&updates)), ["Error: No messages to compact"]);
    stage.turn(&session, "and now").await;
    stage.leave().await;
}

#[tokio::test]
async fn a_compaction_that_fails_does_not_stay_open_and_says_why() {
    let mut stage = Stage::set(Setting::new(Harness::Claude, SCRIPT).capabilities(with_compaction())).await;
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
    assert_eq!(screen(&updates), []);
    let Err(CallError::Refused { error, .. }) = answer else { panic!("an error, not {answer:?}") };
    assert_eq!(error.code(), ErrorCode::INTERNAL_ERROR);
    assert!(
        error.message().contains("Error during compaction") && error.message().contains("ECONNREFUSED"),
        "{error:?}"
    );
    let data: Value = error.data().expect("a cause").decode().expect("JSON");
    assert_eq!(data["kind"], "model");
    stage.leave().await;
}

#[tokio::test]
async fn a_compaction_that_is_stopped_is_cancelled_and_the_session_goes_on() {
    let mut stage = Stage::set(Setting::new(Harness::Claude, SCRIPT).capabilities(with_compaction())).await;
    let session = stage.new_session().await;
    stage.turn(&session, "remember the violets").await;
    stage.events.drain();
    stage.model.freeze();
    let prompt = stage.prompt(&session, "/compact");
    let begins = |event| match event {
        Event::Update(_, update) => matches!(*update, SessionUpdate::CompactionUpdate(_)).then_some(*update),
        _ => None,
    };
    let mut updates = vec![stage.events.find(begins).await];
    stage.cancel(&session).await;
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::Cancelled);
    updates.extend(stage.events.updates());
    let seen = compactions(&updates);
    let [(begun, CompactionStatus::InProgress), (ended, status)] = &seen[..] else {
        panic!("one compaction that was stopped, not {seen:?}")
    };
    assert_eq!((begun, status), (ended, &CompactionStatus::Cancelled));
    assert_eq!(screen(&updates), []);
    stage.model.thaw();
    stage.turn(&session, "and now").await;
    assert_eq!(messages(&screen(&stage.events.updates())), ["I go on."]);
    let request = stage.model.requests().into_iter().rev().find(|request| request["side"].is_null());
    let told = request.expect("a request")["body"]["messages"].to_string();
    assert!(told.contains("I remember."), "{told}");
    stage.leave().await;
}

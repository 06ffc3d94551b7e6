//! What Claude Code says and thinks, and how a turn fails.

mod claude;
mod support;

use acp_server::CallError;
use acp_server::types::v1::{LoadSessionRequest, SessionUpdate, StopReason};
use claude::{Item, messages, shown};
use serde_json::Value;
use support::{Harness, Setting, Stage, soon};

#[tokio::test]
async fn texts_and_thoughts_come_once_and_in_order_with_one_id_per_message() {
    let script = r#"
        [[prompt]]
        match = "say it"
        replies = [[{ think = ["I ", "think"] }, { say = ["Hello ", "there"] }]]
    "#;
    let mut stage = Stage::claude(script).await;
    let session = stage.new_session().await;
    let response = stage.turn(&session, "say it").await;
    assert_eq!(response.stop_reason, StopReason::EndTurn);
    assert!(response.usage.is_some_and(|usage| usage.output_tokens > 0), "tokens are told");
    let items = shown(&mut stage);
    let [Item::Thought { id, text: thought }, Item::Message { id: same, text }] = &items[..] else {
        panic!("a thought and a message, not {items:#?}")
    };
    assert_eq!((thought.as_str(), text.as_str()), ("I think", "Hello there"));
    assert_eq!(id, same);
    stage.leave().await;
}

#[tokio::test]
async fn a_session_has_commands_a_title_and_a_cost() {
    let script = "[[prompt]]\nmatch = \"name me\"\nreplies = [[{ say = \"yes\" }]]";
    let mut stage = Stage::claude(script).await;
    let session = stage.new_session().await;
    stage.turn(&session, "name me").await;
    let updates = stage.events.updates();
    let commands = updates.iter().find_map(|update| match update {
        SessionUpdate::AvailableCommandsUpdate(update) => Some(&update.available_commands),
        _ => None,
    });
    let commands: Vec<_> = commands.expect("commands").iter().map(|command| command.name.as_str()).collect();
    assert!(commands.contains(&"compact"), "{commands:?}");
    assert!(!commands.iter().any(|name| name.starts_with("__") || *name == "clear"), "{commands:?}");
    let title = updates.iter().find_map(|update| match update {
        SessionUpdate::SessionInfoUpdate(info) => info.title.value().cloned(),
        _ => None,
    });
    assert_eq!(title.as_deref(), Some("name me"));
    let usage = updates.iter().rev().find_map(|update| match update {
        SessionUpdate::UsageUpdate(usage) => Some(usage),
        _ => None,
    });
    let usage = usage.expect("usage");
    assert!(usage.size > usage.used && usage.cost.is_some(), "{usage:?}");
    stage.leave().await;
}

#[tokio::test]
async fn what_a_command_says_is_shown_once() {
    let mut stage = Stage::claude("[[prompt]]\nmatch = \"never\"\nreplies = [[{ say = \"no\" }]]").await;
    let session = stage.new_session().await;
    stage.turn(&session, "/context").await;
    let items = shown(&mut stage);
    let texts = messages(&items);
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert_eq!(texts[0].matches("Context Usage").count(), 1, "{texts:?}");
    assert!(stage.model.requests().iter().all(|request| request["side"].is_string()), "no model was asked");
    stage.leave().await;
}

#[tokio::test]
async fn a_stream_that_broke_off_is_not_repeated() {
    let script = r#"
        [[prompt]]
        match = "go on"
        replies = [[{ say = "Hello " }, { pause_ms = 50 }, { drop = true }], [{ say = ["Hello ", "there"] }]]
    "#;
    let mut stage = Stage::claude(script).await;
    let session = stage.new_session().await;
    stage.turn(&session, "go on").await;
    assert_eq!(messages(&shown(&mut stage)), ["Hello there"]);
    stage.leave().await;
}

/// The code and data of a failed prompt; nothing of the failure may be shown as text.
async fn failure(reply: &str) -> (i32, Value) {
    let script = format!("[[prompt]]\nmatch = \"fail\"\nrepeat = true\nreplies = [[{reply}]]");
    let setting = Setting::new(Harness::Claude, &script).env("CLAUDE_CODE_MAX_RETRIES", "1");
    let mut stage = Stage::set(setting).await;
    let session = stage.new_session().await;
    let answer = stage.answer(stage.prompt(&session, "fail")).await;
    let Err(CallError::Refused { error, .. }) = answer else { panic!("an error, not {answer:?}") };
    assert_eq!(messages(&shown(&mut stage)), Vec::<&str>::new());
    stage.leave().await;
    let data = error.data().map(|data| data.decode().expect("JSON")).unwrap_or_default();
    (error.code().0, data)
}

#[tokio::test]
async fn a_refused_key_asks_for_a_login() {
    let (code, data) = failure("{ status = 401 }").await;
    assert_eq!((code, &data["httpStatus"]), (-32000, &Value::from(401)), "{data}");
}

#[tokio::test]
async fn failures_of_the_model_are_errors_with_their_cause() {
    for (reply, status) in [("{ status = 400 }", 400), ("{ status = 429 }", 429), ("{ status = 500 }", 500)] {
        let (code, data) = failure(reply).await;
        assert_eq!((code, &data["httpStatus"], &data["kind"]), (-32603, &status.into(), &"model".into()), "{data}");
    }
}

#[tokio::test]
async fn a_stream_that_never_ends_well_fails_the_prompt() {
    let (code, data) = failure("{ drop = true }").await;
    assert_eq!((code, &data["kind"]), (-32603, &Value::from("model")), "{data}");
}

#[tokio::test]
async fn a_refusal_of_the_model_is_no_failure_and_its_prompt_is_forgotten() {
    let script = r#"
        [[prompt]]
        match = "refuse"
        repeat = true
        replies = [[{ refuse = "I will not." }]]
        [[prompt]]
        match = "what did I say"
        repeat = true
        replies = [[{ tell = "messages" }]]
        [[prompt]]
        match = "hello"
        replies = [[{ say = "hello" }]]
    "#;
    let mut stage = Stage::claude(script).await;
    let session = stage.new_session().await;
    assert_eq!(stage.turn(&session, "refuse the first").await.stop_reason, StopReason::Refusal);
    stage.turn(&session, "hello").await;
    assert_eq!(stage.turn(&session, "refuse the second").await.stop_reason, StopReason::Refusal);
    stage.restart().await;
    let request = LoadSessionRequest::new(session.clone(), stage.workspace());
    soon("session/load", stage.agent.load_session(request)).await.expect("loaded");
    let items = shown(&mut stage);
    let users: Vec<_> = items.iter().filter(|item| matches!(item, Item::User(_))).collect();
    assert_eq!((users, messages(&items)), (vec![&Item::User("hello".to_owned())], vec!["hello"]));
    stage.turn(&session, "what did I say").await;
    assert_eq!(messages(&shown(&mut stage)), ["hello"]);
    stage.leave().await;
}

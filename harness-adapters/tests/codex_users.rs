//! Whoever runs Codex.

mod support;

use acp_server::types::v1::{PermissionOptionKind, StopReason};
use support::{Harness, Setting, Stage, User};

const ASKS: &str = r#"
    [[prompt]]
    match = "touch"
    replies = [[{ shell = "id -u > user.txt", ask = true }], [{ say = "done" }]]
"#;

/// A session, a question and a command; and whom the command ran as.
async fn asked_and_done(user: User) -> String {
    let mut stage = Stage::set(Setting::new(Harness::Codex, ASKS).user(user)).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "touch");
    stage.events.asked().await.choose(PermissionOptionKind::AllowOnce);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    let who = stage.read("user.txt").expect("the command ran");
    stage.leave().await;
    who.trim().to_owned()
}

#[tokio::test]
async fn root_is_served_and_asked() {
    assert_eq!(asked_and_done(User::Root).await, "0");
}

#[tokio::test]
async fn an_unprivileged_user_is_served_and_asked() {
    assert_ne!(asked_and_done(User::Nobody).await, "0");
}

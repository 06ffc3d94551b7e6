//! What Codex says, thinks and plans.

mod codex;
mod support;

use acp_server::types::v1::{PlanEntryStatus, SessionUpdate, StopReason};
use support::Stage;

#[tokio::test]
async fn texts_and_thoughts_come_once_in_order_with_one_id_each() {
    let script = r#"
        [[prompt]]
        match = "say it"
        replies = [[{ think = ["I ", "think"] }, { say = ["Hello ", "there"] }]]
    "#;
    let mut stage = Stage::codex(script).await;
    let session = stage.new_session().await;
    let response = stage.turn(&session, "say it").await;
    assert_eq!(response.stop_reason, StopReason::EndTurn);
    let texts = stage.screen().texts;
    let shown: Vec<_> = texts.iter().map(|(kind, _, text)| (*kind, text.as_str())).collect();
    assert_eq!(shown, [("thought", "I think"), ("message", "Hello there")]);
    assert_ne!(texts[0].1, texts[1].1);
    stage.leave().await;
}

#[tokio::test]
async fn a_plan_is_shown_as_it_changes_without_any_configuration() {
    let script = r#"
        [[prompt]]
        match = "plan it"
        replies = [
          [{ plan = [{ step = "A", status = "in_progress" }, { step = "B", status = "pending" }] }],
          [{ plan = [{ step = "A", status = "completed" }, { step = "B", status = "in_progress" }] }],
          [{ say = "planned" }],
        ]
    "#;
    let mut stage = Stage::codex(script).await;
    let session = stage.new_session().await;
    stage.turn(&session, "plan it").await;
    let updates = stage.events.updates();
    let plans: Vec<_> = updates
        .iter()
        .filter_map(|update| if let SessionUpdate::Plan(plan) = update { Some(plan) } else { None })
        .map(|plan| plan.entries.iter().map(|entry| (entry.content.as_str(), entry.status.clone())).collect::<Vec<_>>())
        .collect();
    use PlanEntryStatus::{Completed, InProgress, Pending};
    assert_eq!(plans, [vec![("A", InProgress), ("B", Pending)], vec![("A", Completed), ("B", InProgress)]]);
    stage.leave().await;
}

#[tokio::test]
async fn usage_title_and_commands_are_told() {
    let script = r#"
        [[prompt]]
        match = "count the tokens"
        replies = [[{ say = "one" }]]
        [usage]
        input = 1200
        output = 40
        cached = 1000
    "#;
    let mut stage = Stage::codex(script).await;
    let session = stage.new_session().await;
    let response = stage.turn(&session, "count the tokens\nand more").await;
    let usage = response.usage.expect("usage");
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.cached_read_tokens), (1200, 40, Some(1000)));
    let updates = stage.events.updates();
    let used =
        updates.iter().find_map(|update| if let SessionUpdate::UsageUpdate(used) = update { Some(used) } else { None });
    assert_eq!(used.expect("usage").used, 1240);
    let title = updates.iter().find_map(|update| match update {
        SessionUpdate::SessionInfoUpdate(info) => info.title.clone().take(),
        _ => None,
    });
    assert_eq!(title.as_deref(), Some("count the tokens"));
    let commands = updates.iter().find_map(|update| match update {
        SessionUpdate::AvailableCommandsUpdate(update) => Some(&update.available_commands),
        _ => None,
    });
    let names: Vec<_> = commands.expect("commands").iter().map(|command| command.name.as_str()).collect();
    assert!(names.contains(&"compact") && names.contains(&"review"), "{names:?}");
    stage.leave().await;
}

#[tokio::test]
async fn commands_end_like_turns() {
    let script = r#"
        [[prompt]]
        match = "remember this"
        replies = [[{ say = "remembered" }]]
        [[prompt]]
        match = "*"
        replies = [[{ say = "looks good" }]]
        repeat = true
    "#;
    let mut stage = Stage::codex(script).await;
    let session = stage.new_session().await;
    stage.turn(&session, "remember this").await;
    for (command, expected) in [("/status", "gpt-5.5"), ("/mcp", "no MCP servers"), ("/review", "looks good")] {
        stage.events.drain();
        assert_eq!(stage.turn(&session, command).await.stop_reason, StopReason::EndTurn);
        let screen = stage.screen();
        assert_eq!(screen.messages().len(), 1, "{screen:#?}");
        assert!(screen.messages()[0].contains(expected), "{screen:#?}");
    }
    stage.events.drain();
    assert_eq!(stage.turn(&session, "/compact").await.stop_reason, StopReason::EndTurn);
    assert!(stage.screen().messages().is_empty());
    stage.leave().await;
}

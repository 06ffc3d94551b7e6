//! Sub-agents of Claude Code as child sessions, for clients that take them.

mod claude;
mod support;

use acp_server::types::v1::{
    ClientCapabilities, PermissionOptionKind, PromptRequest, RequestPermissionOutcome, SessionUpdate, StopReason,
    SubagentCapabilities, ToolCallStatus,
};
use claude::{assert_closed, call, calls, messages, output, screen};
use support::family::{Family, reference};
use support::{Harness, Setting, Stage, soon};

const SCRIPT: &str = r#"
    [[prompt]]
    match = "delegate"
    replies = [[{ agent = "count the files" }, { agent = "count the lines" }], [{ say = "They have reported." }]]

    [[prompt]]
    match = "launch"
    replies = [[{ agent = "count the files", background = true }], [{ say = "It runs." }]]

    [[prompt]]
    match = "count the files"
    replies = [
      [{ think = "Hm." }, { say = "I count." }, { shell = "touch a1" }],
      [{ wait = "files" }, { say = "There are three." }],
    ]

    [[prompt]]
    match = "count the lines"
    replies = [[{ say = "I read." }, { shell = "echo lines" }], [{ wait = "lines" }, { say = "There are nine." }]]

    [[prompt]]
    match = "task-notification"
    replies = [[{ say = "I see." }]]
    repeat = true
"#;

async fn stage() -> Stage {
    let capabilities = ClientCapabilities::new().subagents(SubagentCapabilities::new());
    Stage::set(Setting::new(Harness::Claude, SCRIPT).capabilities(capabilities)).await
}

#[tokio::test]
async fn two_sub_agents_at_once_are_sessions_of_their_own_and_look_the_same_when_loaded() {
    let mut stage = stage().await;
    let session = stage.new_session().await;
    let mut live = Family::new(&session);
    let prompt = stage.prompt(&session, "delegate");
    let asked = live.asked(&mut stage.events).await;
    let asker = live.child("count the files").id.clone();
    assert_eq!(asked.request.session_id, asker);
    live.until(&mut stage.events, |family| family.is("count the files", "requires_action")).await;
    asked.choose(PermissionOptionKind::AllowOnce);
    stage.model.release("lines");
    live.until(&mut stage.events, |family| family.is("count the lines", "end_turn")).await;
    stage.model.release("files");
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    live.drain(&mut stage.events);

    let [files, lines] = [live.child("count the files"), live.child("count the lines")];
    assert_eq!(live.children().len(), 2);
    assert_eq!(files.states, ["running", "requires_action", "running", "end_turn"]);
    assert_eq!(lines.states, ["running", "end_turn"]);
    for child in [files, lines] {
        assert_eq!((&child.parent, child.cancel, child.title.as_deref()), (&session, true, Some("Scripted task")));
    }
    let own = screen(live.of(&session));
    assert_eq!(messages(&own), ["They have reported."]);
    assert_eq!(calls(&own).len(), 2, "{own:#?}");
    let begun: Vec<_> = calls(&own).iter().map(|call| reference(&call.content).cloned()).collect();
    assert_eq!(begun, [Some(files.id.clone()), Some(lines.id.clone())]);
    assert!(output(calls(&own)[0]).ends_with("There are three."), "{own:#?}");
    let files_screen = screen(live.of(&files.id));
    assert_eq!(messages(&files_screen), ["I count.", "There are three."]);
    assert_eq!(call(&files_screen, "touch a1").status, ToolCallStatus::Completed);
    let lines_screen = screen(live.of(&lines.id));
    assert_eq!(output(call(&lines_screen, "echo lines")), "lines");
    [&own, &files_screen, &lines_screen].into_iter().for_each(|items| assert_closed(items));

    stage.restart().await;
    let loaded = Family::load(&mut stage, &session).await;
    let ids = |family: &Family| family.children().iter().map(|child| child.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&loaded), ids(&live));
    for id in ids(&live).iter().chain([&session]) {
        let without_prompts = |family: &Family| {
            let all = screen(family.of(id)).into_iter();
            all.filter(|item| !matches!(item, claude::Item::User(_))).collect::<Vec<_>>()
        };
        assert_eq!(without_prompts(&loaded), without_prompts(&live));
        assert_eq!(loaded.task(id), live.task(id));
    }
    for child in loaded.children() {
        assert_eq!(child.states, ["running", "end_turn"]);
    }
    stage.leave().await;
}

#[tokio::test]
async fn one_of_two_sub_agents_is_cancelled_and_the_other_goes_on() {
    let mut stage = stage().await;
    let session = stage.new_session().await;
    let mut family = Family::new(&session);
    let prompt = stage.prompt(&session, "delegate");
    family.asked(&mut stage.events).await.choose(PermissionOptionKind::AllowOnce);
    let done = |update: &SessionUpdate| matches!(update, SessionUpdate::ToolCallUpdate(it) if it.fields.status == Some(ToolCallStatus::Completed));
    let both = |family: &Family| {
        family.children().len() == 2 && family.children().iter().all(|child| family.of(&child.id).iter().any(done))
    };
    family.until(&mut stage.events, both).await;
    stage.cancel(&family.child("count the files").id).await;
    family.until(&mut stage.events, |family| family.is("count the files", "cancelled")).await;
    assert!(family.is("count the lines", "running"), "{family:#?}");
    stage.model.release("lines");
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    family.drain(&mut stage.events);
    assert!(family.is("count the lines", "end_turn"), "{family:#?}");
    assert_eq!(messages(&screen(family.of(&session))), ["They have reported."]);
    let states = family.children().to_vec();

    stage.restart().await;
    let loaded = Family::load(&mut stage, &session).await;
    for (child, before) in loaded.children().iter().zip(&states) {
        assert_eq!((&child.id, child.states.last()), (&before.id, before.states.last()));
    }
    stage.leave().await;
}

#[tokio::test]
async fn a_sub_agent_that_is_cancelled_while_it_asks_takes_its_question_with_it() {
    let mut stage = stage().await;
    let session = stage.new_session().await;
    let mut family = Family::new(&session);
    let prompt = stage.prompt(&session, "delegate");
    let asked = family.asked(&mut stage.events).await;
    let child = asked.request.session_id.clone();
    stage.cancel(&child).await;
    // As ACP wants it of a client that cancels.
    asked.answer(RequestPermissionOutcome::Cancelled);
    family.until(&mut stage.events, |family| family.is("count the files", "cancelled")).await;
    assert_eq!(stage.read("a1"), None);
    assert_closed(&screen(family.of(&child)));
    stage.model.release("lines");
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    family.drain(&mut stage.events);
    assert!(family.is("count the lines", "end_turn"), "{family:#?}");
    stage.leave().await;
}

#[tokio::test]
async fn a_cancelled_turn_ends_its_sub_agents() {
    let mut stage = stage().await;
    let session = stage.new_session().await;
    let mut family = Family::new(&session);
    let prompt = stage.prompt(&session, "delegate");
    let asked = family.asked(&mut stage.events).await;
    family.until(&mut stage.events, |family| family.children().len() == 2).await;
    stage.cancel(&session).await;
    asked.answer(RequestPermissionOutcome::Cancelled);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::Cancelled);
    family.drain(&mut stage.events);
    for child in family.children() {
        assert_eq!(child.states.last(), Some(&"cancelled"), "{family:#?}");
        assert_closed(&screen(family.of(&child.id)));
    }
    stage.leave().await;
}

#[tokio::test]
async fn a_sub_agent_in_the_background_outlives_its_turn_and_takes_no_prompt() {
    let mut stage = stage().await;
    let session = stage.new_session().await;
    let mut family = Family::new(&session);
    let prompt = stage.prompt(&session, "launch");
    let asked = family.asked(&mut stage.events).await;
    let child = asked.request.session_id.clone();
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    asked.choose(PermissionOptionKind::AllowOnce);
    let request = PromptRequest::new(child.clone(), vec!["hello".into()]);
    let refused = soon("an answer", stage.agent.prompt(request)).await.expect_err("a child takes no prompt");
    assert!(refused.to_string().contains("sub-agent"), "{refused}");
    stage.model.release("files");
    family.until(&mut stage.events, |family| family.is("count the files", "end_turn")).await;
    assert_eq!(messages(&screen(family.of(&child))), ["I count.", "There are three."]);
    let own = screen(family.of(&session));
    assert_eq!(reference(&calls(&own)[0].content), Some(&child));
    stage.leave().await;
}

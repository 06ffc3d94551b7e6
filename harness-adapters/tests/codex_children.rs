//! Sub-agents of Codex as child sessions, for clients that take them.

mod codex;
mod support;

use acp_server::types::v1::{
    ClientCapabilities, PermissionOptionKind, RequestPermissionOutcome, StopReason, SubagentCapabilities,
    ToolCallStatus,
};
use codex::Screen;
use support::family::{Family, reference};
use support::{Harness, Setting, Stage};

const SCRIPT: &str = r#"
    [[prompt]]
    match = "delegate"
    replies = [
      [{ agent = "count the files" }, { agent = "count the lines" }],
      [{ wait = "parent" }, { say = "They have reported." }],
    ]

    [[prompt]]
    match = "count the files"
    replies = [
      [{ think = "Hm." }, { say = "I count." }, { shell = "touch a1", ask = true }],
      [{ wait = "files" }, { say = "There are three." }],
    ]

    [[prompt]]
    match = "count the lines"
    replies = [[{ say = "I read." }, { shell = "echo lines" }], [{ wait = "lines" }, { say = "There are nine." }]]
"#;

async fn stage() -> Stage {
    let capabilities = ClientCapabilities::new().subagents(SubagentCapabilities::new());
    let mut setting = Setting::new(Harness::Codex, SCRIPT).capabilities(capabilities);
    // Only models that Codex does not know call sub-agents directly.
    setting.args.extend(["--", "-c", "model=mock-model"].map(str::to_owned));
    Stage::set(setting).await
}

#[tokio::test]
async fn two_sub_agents_at_once_are_sessions_of_their_own_and_look_the_same_when_loaded() {
    let mut stage = stage().await;
    let session = stage.new_session().await;
    let mut live = Family::new(&session);
    let prompt = stage.prompt(&session, "delegate");
    let asked = live.asked(&mut stage.events).await;
    assert_eq!(asked.request.session_id, live.child("count the files").id);
    live.until(&mut stage.events, |family| family.is("count the files", "requires_action")).await;
    asked.choose(PermissionOptionKind::AllowOnce);
    stage.model.release("lines");
    live.until(&mut stage.events, |family| family.is("count the lines", "end_turn")).await;
    stage.model.release("files");
    live.until(&mut stage.events, |family| family.is("count the files", "end_turn")).await;
    stage.model.release("parent");
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    live.drain(&mut stage.events);

    let [files, lines] = [live.child("count the files"), live.child("count the lines")];
    assert_eq!(files.states, ["running", "requires_action", "running", "end_turn"]);
    assert_eq!(lines.states, ["running", "end_turn"]);
    for child in [files, lines] {
        assert_eq!((&child.parent, child.cancel), (&session, true));
    }
    assert_eq!(files.title.as_deref(), Some("count the files"));
    let own = Screen::of(live.of(&session));
    // Codex may ask its model once more, because a sub-agent has reported.
    assert_eq!(own.messages().first(), Some(&"They have reported."));
    assert_eq!(own.calls.len(), 2, "{own:#?}");
    assert_eq!(reference(&own.call("Agent: count the files").content), Some(&files.id));
    let files_screen = Screen::of(live.of(&files.id));
    assert_eq!(files_screen.messages(), ["I count.", "There are three."]);
    assert_eq!(files_screen.call("touch a1").status, ToolCallStatus::Completed);
    let lines_screen = Screen::of(live.of(&lines.id));
    assert_eq!(lines_screen.output("echo lines"), "lines\n");
    [&own, &files_screen, &lines_screen].into_iter().for_each(Screen::assert_closed);

    stage.restart().await;
    let loaded = Family::load(&mut stage, &session).await;
    let ids = |family: &Family| family.children().iter().map(|child| child.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&loaded), ids(&live));
    for id in ids(&live).iter().chain([&session]) {
        let screen = |family: &Family| {
            let mut screen = Screen::of(family.of(id));
            screen.texts.retain(|(kind, ..)| *kind != "user");
            screen
        };
        assert_eq!(screen(&loaded), screen(&live));
        assert_eq!(loaded.task(id), live.task(id));
    }
    for child in loaded.children() {
        assert_eq!(child.states, ["running", "end_turn"]);
    }
    stage.leave().await;
}

#[tokio::test]
async fn one_of_two_sub_agents_is_cancelled_while_it_asks_and_the_other_outlives_the_turn() {
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
    Screen::of(family.of(&child)).assert_closed();
    stage.model.release("parent");
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    family.drain(&mut stage.events);
    assert!(family.is("count the lines", "running"), "{family:#?}");
    stage.model.release("lines");
    family.until(&mut stage.events, |family| family.is("count the lines", "end_turn")).await;
    let lines = Screen::of(family.of(&family.child("count the lines").id));
    assert_eq!(lines.messages(), ["I read.", "There are nine."]);
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
        Screen::of(family.of(&child.id)).assert_closed();
    }
    stage.leave().await;
}

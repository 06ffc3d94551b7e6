//! Files that Codex changes.

mod codex;
mod support;

use acp_server::types::v1::{Diff, PermissionOptionKind, SetSessionModeRequest, StopReason, ToolCallStatus, ToolKind};
use codex::Screen;
use support::{Stage, soon};

const SCRIPT: &str = r#"
    [[prompt]]
    match = "create"
    replies = [[{ write = "new.txt", text = "hello\nworld\n" }], [{ say = "created" }]]
    [[prompt]]
    match = "edit"
    replies = [[{ edit = "old.txt", old = "two", new = "TWO" }], [{ say = "edited" }]]
    [[prompt]]
    match = "delete"
    replies = [[{ delete = "gone.txt" }], [{ say = "deleted" }]]
    [[prompt]]
    match = "move"
    replies = [[{ move = "from.txt", to = "to.txt", old = "b", new = "B" }], [{ say = "moved" }]]
    [[prompt]]
    match = "miss"
    replies = [[{ edit = "old.txt", old = "not there", new = "x" }], [{ say = "missed" }]]
    [[prompt]]
    match = "both files"
    replies = [
      [{ patch = "*** Begin Patch\n*** Add File: a.txt\n+a\n*** Update File: old.txt\n@@\n-one\n+ONE\n*** End Patch\n" }],
      [{ say = "done" }],
    ]
"#;

fn texts(diff: &Diff) -> (Option<&str>, &str) {
    (diff.old_text.as_deref(), &diff.new_text)
}

#[tokio::test]
async fn changes_have_the_whole_texts_before_and_after() {
    let mut stage = Stage::codex(SCRIPT).await;
    stage.write("old.txt", "zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\n");
    stage.write("gone.txt", "bye\n");
    stage.write("from.txt", "a\nb\nc\n");
    let session = stage.new_session().await;
    for prompt in ["create", "edit", "delete", "move"] {
        stage.turn(&session, prompt).await;
    }
    let screen = stage.screen();
    screen.assert_closed();
    let path = |name: &str| stage.workspace().join(name);

    let created = &screen.diffs("Create new.txt")[0];
    assert_eq!((texts(created), &created.path), ((None, "hello\nworld\n"), &path("new.txt")));
    let edited = &screen.diffs("Edit old.txt")[0];
    let new = "zero\none\nTWO\nthree\nfour\nfive\nsix\nseven\n";
    assert_eq!(texts(edited), (Some("zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\n"), new));
    assert_eq!(stage.read("old.txt").as_deref(), Some(new));
    let deleted = &screen.diffs("Delete gone.txt")[0];
    assert_eq!(texts(deleted), (Some("bye\n"), ""));
    let moved = &screen.diffs("Move from.txt to to.txt")[0];
    assert_eq!((texts(moved), &moved.path), ((Some("a\nb\nc\n"), "a\nB\nc\n"), &path("to.txt")));

    let call = screen.call("Move from.txt to to.txt");
    assert_eq!((call.kind, call.status), (ToolKind::Edit, ToolCallStatus::Completed));
    let locations: Vec<_> = call.locations.iter().map(|location| location.path.clone()).collect();
    assert_eq!(locations, [path("from.txt"), path("to.txt")]);
    stage.leave().await;
}

#[tokio::test]
async fn a_patch_of_several_files_has_a_diff_for_each() {
    let mut stage = Stage::codex(SCRIPT).await;
    stage.write("old.txt", "one\ntwo\n");
    let session = stage.new_session().await;
    stage.turn(&session, "both files").await;
    let screen = stage.screen();
    assert_eq!(screen.calls.len(), 1);
    let diffs = screen.diffs(&screen.calls[0].title);
    let names: Vec<_> = diffs.iter().map(|diff| diff.path.file_name().expect("a name").to_owned()).collect();
    assert_eq!(names, ["a.txt", "old.txt"]);
    assert_eq!(texts(&diffs[1]), (Some("one\ntwo\n"), "ONE\ntwo\n"));
    stage.leave().await;
}

#[tokio::test]
async fn a_patch_that_does_not_apply_ends_its_turn() {
    let mut stage = Stage::codex(SCRIPT).await;
    stage.write("old.txt", "one\n");
    let session = stage.new_session().await;
    assert_eq!(stage.turn(&session, "miss").await.stop_reason, StopReason::EndTurn);
    let screen = stage.screen();
    screen.assert_closed();
    assert_eq!(screen.messages(), ["missed"]);
    stage.leave().await;
}

#[tokio::test]
async fn a_change_that_asks_shows_what_it_would_change() {
    let outside = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let file = outside.path().join("file.txt");
    std::fs::write(&file, "a\nb\n").expect("write");
    let script = format!(
        "[[prompt]]\nmatch = \"change it\"\nreplies = [[{{ edit = {:?}, old = \"b\", new = \"B\" }}], [{{ say = \"done\" }}]]",
        file.display().to_string()
    );
    let mut stage = Stage::codex(&script).await;
    let session = stage.new_session().await;
    // Where a session may write depends on where the tests are run from; in this mode it is nowhere.
    let request = SetSessionModeRequest::new(session.clone(), "read-only");
    soon("session/set_mode", stage.agent.set_session_mode(request)).await.expect("a mode");
    for (choice, text, status) in [
        (PermissionOptionKind::RejectOnce, "a\nb\n", ToolCallStatus::Failed),
        (PermissionOptionKind::AllowOnce, "a\nB\n", ToolCallStatus::Completed),
    ] {
        let prompt = stage.prompt(&session, "change it");
        let (asked, mut updates) = stage.asked().await;
        let before = Screen::of(&updates);
        assert_eq!(texts(&before.diffs(&before.calls[0].title)[0]), (Some("a\nb\n"), "a\nB\n"));
        asked.choose(choice);
        assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
        assert_eq!(std::fs::read_to_string(&file).expect("read"), text);
        updates.extend(stage.events.updates());
        let after = Screen::of(&updates);
        assert_eq!(after.calls[0].status, status);
        assert_eq!(texts(&after.diffs(&after.calls[0].title)[0]), (Some("a\nb\n"), "a\nB\n"));
        assert_eq!(after.messages(), ["done"]);
    }
    stage.leave().await;
}

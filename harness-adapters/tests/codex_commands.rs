//! Commands that Codex runs: what they print, and the permissions that they need.

mod codex;
mod support;

use acp_server::types::v1::{
    ClientCapabilities, PermissionOptionKind, RequestPermissionOutcome, SessionUpdate, StopReason, ToolCallStatus,
    ToolKind,
};
use support::{Harness, Setting, Stage};

fn terminals() -> ClientCapabilities {
    let meta = serde_json::Map::from_iter([("terminal_output".to_owned(), true.into())]);
    ClientCapabilities::new().meta(meta)
}

const SLOW: &str = r#"
    [[prompt]]
    match = "run slowly"
    replies = [[{ shell = "for n in 1 2 3; do echo line$n; sleep 0.7; done", timeout_ms = 20000 }], [{ say = "ran" }]]
"#;
const LOOP: &str = "for n in 1 2 3; do echo line$n; sleep 0.7; done";

#[tokio::test]
async fn slow_output_is_complete_and_in_order_as_text() {
    let mut stage = Stage::codex(SLOW).await;
    let session = stage.new_session().await;
    stage.turn(&session, "run slowly").await;
    let screen = stage.screen();
    assert_eq!(screen.output(LOOP), "line1\nline2\nline3\n");
    let call = screen.call(LOOP);
    assert_eq!((call.kind, call.status), (ToolKind::Execute, ToolCallStatus::Completed));
    assert_eq!(call.raw_output.as_ref().expect("a result")["exitCode"], 0);
    stage.leave().await;
}

#[tokio::test]
async fn slow_output_is_complete_and_in_order_in_a_terminal() {
    let mut stage = Stage::set(Setting::new(Harness::Codex, SLOW).capabilities(terminals())).await;
    let session = stage.new_session().await;
    stage.turn(&session, "run slowly").await;
    let screen = stage.screen();
    assert_eq!(screen.output(LOOP), "line1\nline2\nline3\n");
    screen.assert_closed();
    assert!(screen.terminals.values().any(|terminal| terminal.1 == Some(0)), "{screen:#?}");
    stage.leave().await;
}

#[tokio::test]
async fn the_first_line_of_a_command_in_the_background_is_there_while_it_runs() {
    let title = "echo begun; while ! test -e gate; do sleep 0.1; done; echo over";
    let script = format!(
        "[[prompt]]\nmatch = \"leave it\"\nreplies = [[{{ shell = \"{title}\", background = true }}], [{{ say = \"left\" }}]]\n\
         [[prompt]]\nmatch = \"say hello\"\nreplies = [[{{ say = \"hello\" }}]]\n"
    );
    for capabilities in [ClientCapabilities::new(), terminals()] {
        let mut stage = Stage::set(Setting::new(Harness::Codex, &script).capabilities(capabilities)).await;
        let session = stage.new_session().await;
        stage.turn(&session, "leave it").await;
        let mut updates = stage.events.updates();
        assert_eq!(codex::Screen::of(&updates).output(title), "begun\n");
        stage.write("gate", "");
        let ended = stage.until(
            |update| matches!(update, SessionUpdate::ToolCallUpdate(update) if update.fields.raw_output.is_some()),
        );
        updates.extend(ended.await);
        assert_eq!(codex::Screen::of(&updates).output(title), "begun\nover\n");
        stage.leave().await;
    }
}

#[tokio::test]
async fn the_first_line_of_a_command_is_there_once_the_model_is_told_of_it() {
    let title = "for n in 1 2 3 4; do echo line$n; sleep 0.7; done; while ! test -e gate; do sleep 0.1; done";
    let script = format!(
        "[[prompt]]\nmatch = \"run on\"\nreplies = [[{{ shell = \"{title}\", timeout_ms = 2500 }}], [{{ say = \"still runs\" }}]]\n"
    );
    for capabilities in [ClientCapabilities::new(), terminals()] {
        let mut stage = Stage::set(Setting::new(Harness::Codex, &script).capabilities(capabilities)).await;
        let session = stage.new_session().await;
        stage.turn(&session, "run on").await;
        let output = stage.screen().output(title);
        assert!(output.starts_with("line1\nline2\n"), "{output:?}");
        stage.write("gate", "");
        stage.leave().await;
    }
}

#[tokio::test]
async fn five_megabytes_of_output_arrive_whole() {
    let script = r#"
        [[prompt]]
        match = "print much"
        replies = [
          [{ shell = "for n in $(seq 1 50); do seq ${n}00000 ${n}14000; sleep 0.02; done", timeout_ms = 30000 }],
          [{ say = "ran" }],
        ]
    "#;
    let title = "for n in $(seq 1 50); do seq ${n}00000 ${n}14000; sleep 0.02; done";
    let lines = (1..=50).flat_map(|n| n * 100_000..=n * 100_000 + 14_000);
    let expected: String = lines.map(|line| format!("{line}\n")).collect();
    for capabilities in [ClientCapabilities::new(), terminals()] {
        let mut stage = Stage::set(Setting::new(Harness::Codex, script).capabilities(capabilities)).await;
        let session = stage.new_session().await;
        stage.turn(&session, "print much").await;
        let output = stage.screen().output(title);
        assert!(output == expected, "{} bytes in place of {}", output.len(), expected.len());
        stage.leave().await;
    }
}

/// What is left of an output, with how much is missing in its middle.
fn parts(output: &str) -> (&str, usize, &str) {
    for (before, after) in [("\n... ", " bytes omitted ...\n"), ("\n… ", " bytes left out …\n")] {
        if let Some((head, rest)) = output.split_once(before)
            && let Some((missing, tail)) = rest.split_once(after)
        {
            return (head, missing.parse().expect("a number"), tail);
        }
    }
    (output, 0, "")
}

#[tokio::test]
async fn what_codex_drops_of_a_flood_is_counted_where_it_is_missing() {
    let title = "for n in $(seq 1 100000); do echo $n-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done";
    let script = format!(
        "[[prompt]]\nmatch = \"print much\"\nreplies = [[{{ shell = \"{title}\", timeout_ms = 30000 }}], [{{ say = \"ran\" }}]]\n"
    );
    let lines = (1..=100_000).map(|n| format!("{n}-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"));
    let expected: String = lines.collect();
    for capabilities in [ClientCapabilities::new(), terminals()] {
        let mut stage = Stage::set(Setting::new(Harness::Codex, &script).capabilities(capabilities)).await;
        let session = stage.new_session().await;
        stage.turn(&session, "print much").await;
        let screen = stage.screen();
        let output = screen.output(title);
        let (head, missing, tail) = parts(&output);
        assert!(expected.starts_with(head) && expected.ends_with(tail), "{} bytes", output.len());
        assert_eq!(head.len() + missing + tail.len(), expected.len());
        let result = screen.call(title).raw_output.as_ref().expect("a result");
        assert_eq!(result.get("omittedBytes").and_then(serde_json::Value::as_u64).unwrap_or(0), missing as u64);
        stage.leave().await;
    }
}

#[tokio::test]
async fn output_that_is_long_as_json_is_cut_and_its_call_ends() {
    let title = "head -c 3145728 /dev/zero | tr '\\0' '\\1'";
    let script = format!(
        "[[prompt]]\nmatch = \"print controls\"\nreplies = [[{{ shell = \"{}\", timeout_ms = 30000 }}], [{{ say = \"ran\" }}]]\n",
        title.replace('\\', "\\\\")
    );
    for capabilities in [ClientCapabilities::new(), terminals()] {
        let mut stage = Stage::set(Setting::new(Harness::Codex, &script).capabilities(capabilities)).await;
        let session = stage.new_session().await;
        stage.turn(&session, "print controls").await;
        let updates = stage.events.updates();
        let longest = updates.iter().map(|update| serde_json::to_string(update).expect("JSON").len()).max();
        assert!(longest.expect("updates") < 12 * 1024 * 1024, "{longest:?}");
        let screen = codex::Screen::of(&updates);
        assert_eq!(screen.call(title).status, ToolCallStatus::Completed);
        let output = screen.output(title);
        let (head, missing, tail) = parts(&output);
        assert_eq!(head.len() + missing + tail.len(), 3_145_728);
        stage.leave().await;
    }
}

#[tokio::test]
async fn commands_that_fail_or_are_blocked_end_their_turn() {
    let script = r#"
        [[prompt]]
        match = "fail"
        replies = [
          [{ shell = "exit 2" }, { shell = "touch /usr/blocked-by-the-sandbox" }],
          [{ say = "failed" }],
        ]
    "#;
    let mut stage = Stage::codex(script).await;
    let session = stage.new_session().await;
    assert_eq!(stage.turn(&session, "fail").await.stop_reason, StopReason::EndTurn);
    let screen = stage.screen();
    screen.assert_closed();
    assert_eq!(screen.call("exit 2").status, ToolCallStatus::Failed);
    assert_eq!(screen.call("exit 2").raw_output.as_ref().expect("a result")["exitCode"], 2);
    assert_eq!(screen.messages(), ["failed"]);
    stage.leave().await;
}

const ASKS: &str = r#"
    [[prompt]]
    match = "touch it"
    replies = [[{ shell = "touch asked-for", ask = true }], [{ say = "went on" }]]
"#;

#[tokio::test]
async fn what_is_allowed_once_is_asked_again() {
    let mut stage = Stage::codex(ASKS).await;
    let session = stage.new_session().await;
    for _ in 0..2 {
        let prompt = stage.prompt(&session, "touch it");
        let asked = stage.events.asked().await;
        assert_eq!(asked.request.tool_call.fields.title.as_deref(), Some("touch asked-for"));
        asked.choose(PermissionOptionKind::AllowOnce);
        assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
        assert!(stage.read("asked-for").is_some());
    }
    stage.leave().await;
}

#[tokio::test]
async fn what_is_allowed_for_the_session_is_not_asked_again_and_not_written_down() {
    let mut stage = Stage::codex(ASKS).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "touch it");
    stage.events.asked().await.choose_named("for this session");
    stage.answer(prompt).await.expect("an answer");
    std::fs::remove_file(stage.workspace().join("asked-for")).expect("it was made");
    // Nobody answers a question here.
    stage.turn(&session, "touch it").await;
    assert!(stage.read("asked-for").is_some());
    assert!(!stage.home().join(".codex/rules").join("default.rules").exists());
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "touch it, please");
    stage.events.asked().await.choose(PermissionOptionKind::RejectOnce);
    stage.answer(prompt).await.expect("an answer");
    stage.leave().await;
}

#[tokio::test]
async fn a_rule_names_what_it_allows() {
    let mut stage = Stage::codex(ASKS).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "touch it");
    let asked = stage.events.asked().await;
    use PermissionOptionKind::{AllowAlways, AllowOnce, RejectOnce};
    assert_eq!(asked.kinds(), [AllowOnce, AllowAlways, AllowAlways, RejectOnce]);
    asked.choose_named("commands that start with `touch");
    stage.answer(prompt).await.expect("an answer");
    std::fs::remove_file(stage.workspace().join("asked-for")).expect("it was made");
    // Nobody answers a question here.
    stage.turn(&session, "touch it").await;
    assert!(stage.read("asked-for").is_some());
    stage.leave().await;
}

#[tokio::test]
async fn after_a_rejection_the_turn_goes_on() {
    let mut stage = Stage::codex(ASKS).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "touch it");
    let (asked, mut updates) = stage.asked().await;
    asked.choose(PermissionOptionKind::RejectOnce);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    updates.extend(stage.events.updates());
    let screen = codex::Screen::of(&updates);
    screen.assert_closed();
    assert_eq!(screen.messages(), ["went on"]);
    assert_eq!(stage.read("asked-for"), None);
    stage.leave().await;
}

#[tokio::test]
async fn an_ask_that_is_cancelled_ends_the_turn() {
    let mut stage = Stage::codex(ASKS).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "touch it");
    stage.events.asked().await.answer(RequestPermissionOutcome::Cancelled);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::Cancelled);
    assert_eq!(stage.read("asked-for"), None);
    let prompt = stage.prompt(&session, "touch it");
    stage.events.asked().await.choose(PermissionOptionKind::AllowOnce);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    stage.leave().await;
}

#[tokio::test]
async fn two_asks_at_once_are_answered_in_the_other_order() {
    let script = r#"
        [[prompt]]
        match = "touch both"
        replies = [[{ shell = "touch first", ask = true }, { shell = "touch second", ask = true }], [{ say = "done" }]]
    "#;
    let mut stage = Stage::codex(script).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "touch both");
    let (first, mut updates) = stage.asked().await;
    let (second, more) = stage.asked().await;
    assert_ne!(first.request.tool_call.tool_call_id, second.request.tool_call.tool_call_id);
    let is_first = |title: Option<&String>| title.is_some_and(|title| title == "touch first");
    let (first, second) =
        if is_first(first.request.tool_call.fields.title.as_ref()) { (first, second) } else { (second, first) };
    second.choose(PermissionOptionKind::RejectOnce);
    first.choose(PermissionOptionKind::AllowOnce);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    assert!(stage.read("first").is_some());
    assert_eq!(stage.read("second"), None);
    updates.extend(more.into_iter().chain(stage.events.updates()));
    codex::Screen::of(&updates).assert_closed();
    stage.leave().await;
}

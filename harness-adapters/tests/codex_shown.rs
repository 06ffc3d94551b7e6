//! What a person is shown of a command, and allows, is the command that runs: live, when asked, and after a load.

mod codex;
mod support;

use std::fmt::Write;

use acp_server::types::v1::{LoadSessionRequest, PermissionOptionKind, StopReason, ToolKind};
use support::{Stage, soon};

/// Of most of them Codex itself tells a person less than they do.
const LINES: [&str; 9] = [
    "cat poem.txt | awk '{system(\"touch awked\")}'",
    "cat poem.txt | tee teed",
    "ls poem.txt | xargs -I _ touch xargs-ed",
    "cd /etc && cat hostname",
    "cat missing.txt || true",
    "ls; touch after",
    "cat <<'END' > here\nit's \"here\" $HOME\nEND\necho done",
    "(cat poem.txt; echo \"grüße 'x' \\\"y\\\" $((1 + 1))\") | cat",
    "bash -c 'touch nested'",
];

#[tokio::test]
async fn every_command_is_shown_as_it_runs() {
    let mut script = String::new();
    for (number, line) in LINES.iter().enumerate() {
        let line = serde_json::to_string(line).expect("a text");
        writeln!(
            script,
            "[[prompt]]\nmatch = \"do {number}.\"\nreplies = [[{{ shell = {line}, ask = true }}], [{{ say = \"did\" }}]]"
        )
        .expect("a script");
    }
    let mut stage = Stage::codex(&script).await;
    stage.write("poem.txt", "roses\n");
    let session = stage.new_session().await;
    for (number, line) in LINES.iter().enumerate() {
        let prompt = stage.prompt(&session, &format!("do {number}."));
        let (asked, mut updates) = stage.asked().await;
        let fields = &asked.request.tool_call.fields;
        assert_eq!(fields.title.as_deref(), Some(*line));
        assert_eq!(fields.raw_input.as_ref().expect("an input")["command"], *line);
        // Whoever lets everything pass that reads must not let this pass.
        assert_eq!(fields.kind, Some(ToolKind::Execute));
        asked.choose(PermissionOptionKind::AllowOnce);
        assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
        updates.extend(stage.events.updates());
        let screen = codex::Screen::of(&updates);
        screen.assert_closed();
        assert_eq!(screen.calls.len(), 1, "{screen:#?}");
        assert_eq!(screen.call(line).raw_input.as_ref().expect("an input")["command"], *line);
    }
    for made in ["awked", "teed", "xargs-ed", "after", "here", "nested"] {
        assert!(stage.read(made).is_some(), "{made}: what was shown is what ran");
    }
    stage.restart().await;
    let request = LoadSessionRequest::new(session, stage.workspace());
    soon("session/load", stage.agent.load_session(request)).await.expect("loaded");
    let screen = stage.screen();
    let shown: Vec<_> = screen.calls.iter().map(|call| call.title.as_str()).collect();
    assert_eq!(shown, LINES);
    for (call, line) in screen.calls.iter().zip(LINES) {
        assert_eq!(call.raw_input.as_ref().expect("an input")["command"], line);
    }
    stage.leave().await;
}

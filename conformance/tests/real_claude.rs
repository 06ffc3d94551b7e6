//! The real Claude Code against the scripted model.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::Value;
use support::Model;
use support::harness::{Run, Stage, installed};

const PROGRAM: &str = "@anthropic-ai/claude-code-linux-x64/claude";

/// Runs `claude -p` with a prompt.
fn print(model: &Model, stage: &Stage, prompt: &str) -> Run {
    let mut command = stage.command(&installed(PROGRAM));
    command
        .env("ANTHROPIC_BASE_URL", &model.url)
        .env("ANTHROPIC_API_KEY", "test-key")
        .env("DISABLE_TELEMETRY", "1")
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .env("CLAUDE_CODE_MAX_RETRIES", "1")
        .env("CLAUDE_CODE_ENABLE_TODO_TOOLS", "1")
        .args(["-p", "--verbose", "--output-format", "stream-json", "--include-partial-messages"])
        .args(["--allowedTools", "Bash", "--permission-mode", "acceptEdits"])
        .arg(prompt);
    stage.run(command)
}

fn result(run: &Run) -> &Value {
    run.messages.iter().rfind(|message| message["type"] == "result").unwrap_or_else(|| panic!("{}", run.stderr))
}

/// The blocks of a type in the messages of `role`.
fn blocks<'a>(run: &'a Run, role: &str, kind: &str) -> Vec<&'a Value> {
    let messages = run.messages.iter().filter(|message| message["type"] == role);
    let blocks = messages.flat_map(|message| message["message"]["content"].as_array().into_iter().flatten());
    blocks.filter(|block| block["type"] == kind).collect()
}

const TOOLS: &str = r#"
[[prompt]]
match = "text please"
replies = [[{ think = ["I ", "think"] }, { say = ["Hel", "lo"] }]]
[[prompt]]
match = "tools please"
replies = [
  [{ shell = "echo one" }, { shell = "echo two" }],
  [{ shell = "printf 'roses\nviolets\n' > a.txt" }],
  [{ edit = "a.txt", old = "violets", new = "tulips" }],
  [{ move = "a.txt", to = "b.txt" }],
  [{ write = "c.txt", text = "new\n" }],
  [{ say = "done" }],
]
[[prompt]]
match = "plan please"
replies = [
  [{ plan = [{ step = "Look", status = "in_progress" }] }],
  [{ plan = [{ step = "Look", status = "completed" }, { step = "Leap", status = "pending" }] }],
  [{ say = "planned" }],
]
[[prompt]]
match = "delegate please"
replies = [[{ agent = "child work" }], [{ say = "parent done" }]]
[[prompt]]
match = "child work"
replies = [[{ shell = "echo child > child.txt" }], [{ say = "child done" }]]
"#;

#[test]
fn text_and_thinking_arrive() {
    let model = Model::start(TOOLS);
    let run = print(&model, &Stage::new(), "text please");
    assert!(run.success, "{}", run.stderr);
    assert_eq!(result(&run)["result"], "Hello");
    assert_eq!(blocks(&run, "assistant", "thinking")[0]["thinking"], "I think");
    assert_eq!(model.calls(), [(Some(0), Some(1))]);
}

#[test]
fn commands_and_files_work() {
    let (model, stage) = (Model::start(TOOLS), Stage::new());
    let run = print(&model, &stage, "tools please");
    assert!(run.success, "{}", run.stderr);
    assert_eq!(result(&run)["result"], "done");
    let failed: Vec<_> =
        blocks(&run, "user", "tool_result").into_iter().filter(|block| block["is_error"] == true).collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(std::fs::read_to_string(stage.work().join("b.txt")).unwrap(), "roses\ntulips\n");
    assert_eq!(std::fs::read_to_string(stage.work().join("c.txt")).unwrap(), "new\n");
    let calls: Vec<_> = (1..=6).map(|call| (Some(1), Some(call))).collect();
    assert_eq!(model.calls(), calls);
}

#[test]
fn a_plan_becomes_tasks_with_their_states() {
    let model = Model::start(TOOLS);
    let run = print(&model, &Stage::new(), "plan please");
    assert_eq!(result(&run)["result"], "planned");
    let updates: Vec<_> = blocks(&run, "assistant", "tool_use")
        .into_iter()
        .filter(|block| block["name"] == "TaskUpdate")
        .map(|block| (block["input"]["taskId"].as_str().unwrap(), block["input"]["status"].as_str().unwrap()))
        .collect();
    assert_eq!(updates, [("1", "in_progress"), ("1", "completed")]);
    let results = blocks(&run, "user", "tool_result");
    assert!(results.iter().all(|block| block["is_error"] != true), "{results:?}");
    assert_eq!(results.len(), 4);
}

#[test]
fn a_sub_agent_follows_its_own_entry() {
    let (model, stage) = (Model::start(TOOLS), Stage::new());
    let run = print(&model, &stage, "delegate please");
    assert_eq!(result(&run)["result"], "parent done");
    assert_eq!(std::fs::read_to_string(stage.work().join("child.txt")).unwrap(), "child\n");
    let of = |prompt| model.calls().iter().filter(|call| call.0 == Some(prompt)).count();
    assert_eq!((of(3), of(4)), (2, 2));
}

#[test]
fn a_bad_request_is_an_error_with_its_status() {
    let script = format!("{}repeat = true\n", support::any(r#"[{ status = 400, message = "scripted no" }]"#));
    let model = Model::start(&script);
    let run = print(&model, &Stage::new(), "hi");
    let result = result(&run);
    assert_eq!((&result["is_error"], &result["api_error_status"]), (&true.into(), &400.into()));
    assert!(result["result"].as_str().unwrap().contains("scripted no"), "{result}");
}

#[test]
fn a_context_that_is_too_long_is_understood_as_such() {
    let script = format!("{}repeat = true\n", support::any(r#"[{ failed = "context_length_exceeded" }]"#));
    let run = print(&Model::start(&script), &Stage::new(), "hi");
    assert_eq!(result(&run)["terminal_reason"], "prompt_too_long");
}

#[test]
fn a_dropped_stream_is_tried_again_and_gets_the_next_reply() {
    let replies = r#"[{ say = "par" }, { pause_ms = 50 }, { drop = true }], [{ say = "whole answer" }]"#;
    let model = Model::start(&support::any(replies));
    let run = print(&model, &Stage::new(), "hi");
    assert_eq!(result(&run)["is_error"], false, "{}", run.stderr);
    assert!(result(&run)["result"].as_str().unwrap().ends_with("whole answer"), "{}", result(&run));
    assert_eq!(model.calls(), [(Some(0), Some(1)), (Some(0), Some(2))]);
}

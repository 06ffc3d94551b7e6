//! The real Codex against the scripted model.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::Value;
use support::Model;
use support::harness::{Run, Stage, installed};

const PROGRAM: &str = "@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex";

/// Runs `codex exec` with a prompt.
fn exec(model: &Model, stage: &Stage, name: &str, prompt: &str) -> Run {
    let config = format!(
        "model = \"{name}\"\nmodel_provider = \"scripted\"\n[tools.update_plan]\nenabled = true\n\
         [model_providers.scripted]\nname = \"scripted\"\nbase_url = \"{}/v1\"\nwire_api = \"responses\"\n\
         env_key = \"SCRIPTED_KEY\"\nrequest_max_retries = 0\nstream_max_retries = 1\n",
        model.url
    );
    let home = stage.home().join(".codex");
    std::fs::create_dir_all(&home).unwrap();
    std::fs::write(home.join("config.toml"), config).unwrap();
    let mut command = stage.command(&installed(PROGRAM));
    command.env("CODEX_HOME", home).env("SCRIPTED_KEY", "test-key").args([
        "exec",
        "--json",
        "--skip-git-repo-check",
        "--dangerously-bypass-approvals-and-sandbox",
        prompt,
    ]);
    stage.run(command)
}

/// The completed items of a type.
fn items<'a>(run: &'a Run, kind: &str) -> Vec<&'a Value> {
    let completed = run.messages.iter().filter(|message| message["type"] == "item.completed");
    completed.map(|message| &message["item"]).filter(|item| item["type"] == kind).collect()
}

fn texts(run: &Run) -> Vec<&str> {
    items(run, "agent_message").into_iter().map(|item| item["text"].as_str().unwrap()).collect()
}

const TOOLS: &str = r#"
[[prompt]]
match = "text please"
replies = [[{ think = ["I ", "think"] }, { say = ["Hel", "lo"] }]]
[[prompt]]
match = "tools please"
replies = [
  [{ shell = "echo one" }, { shell = "echo two" }],
  [{ write = "a.txt", text = "roses\nviolets\n" }],
  [{ edit = "a.txt", old = "violets", new = "tulips" }],
  [{ move = "a.txt", to = "b.txt" }],
  [{ plan = [{ step = "Look", status = "completed" }, { step = "Leap", status = "in_progress" }] }],
  [{ say = "done" }],
]
[[prompt]]
match = "delegate please"
replies = [[{ agent = "child work" }], [{ wait_agents = 10000 }], [{ say = "parent done" }]]
[[prompt]]
match = "child work"
replies = [[{ shell = "echo child > child.txt" }], [{ say = "child done" }]]
"#;

#[test]
fn text_and_reasoning_arrive() {
    let model = Model::start(TOOLS);
    let run = exec(&model, &Stage::new(), "gpt-5.5", "text please");
    assert!(run.success, "{}", run.stderr);
    assert_eq!(texts(&run), ["Hello"]);
    assert_eq!(items(&run, "reasoning")[0]["text"], "I think");
    assert_eq!(model.calls(), [(Some(0), Some(1))]);
}

/// What a model with this name does with all tools.
fn use_tools(name: &str) {
    let (model, stage) = (Model::start(TOOLS), Stage::new());
    let run = exec(&model, &stage, name, "tools please");
    assert!(run.success, "{}", run.stderr);
    assert_eq!(texts(&run), ["done"]);
    let commands = items(&run, "command_execution");
    let mut outputs: Vec<_> = commands.iter().map(|item| item["aggregated_output"].as_str().unwrap()).collect();
    outputs.sort_unstable();
    assert_eq!(outputs, ["", "one\n", "two\n"], "two commands and the move");
    assert_eq!(std::fs::read_to_string(stage.work().join("b.txt")).unwrap(), "roses\ntulips\n");
    let kinds: Vec<_> =
        items(&run, "file_change").iter().map(|item| item["changes"][0]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["add", "update"]);
    let plan = &items(&run, "todo_list")[0]["items"];
    assert_eq!((&plan[0]["text"], &plan[0]["completed"]), (&"Look".into(), &true.into()));
    let calls: Vec<_> = (1..=6).map(|call| (Some(1), Some(call))).collect();
    assert_eq!(model.calls(), calls);
}

#[test]
fn tools_that_are_called_directly_work() {
    use_tools("gpt-5.5");
}

#[test]
fn tools_that_are_called_from_a_script_work() {
    use_tools("gpt-6.1-sol");
}

/// A sub-agent with a model of this name.
fn delegate(name: &str) {
    let (model, stage) = (Model::start(TOOLS), Stage::new());
    let run = exec(&model, &stage, name, "delegate please");
    assert!(run.success, "{}", run.stderr);
    assert_eq!(texts(&run).last(), Some(&"parent done"));
    assert_eq!(std::fs::read_to_string(stage.work().join("child.txt")).unwrap(), "child\n");
    let calls = model.calls();
    assert_eq!(calls.iter().filter(|(prompt, _)| *prompt == Some(2)).count(), 3, "{calls:?}");
    assert_eq!(calls.iter().filter(|(prompt, _)| *prompt == Some(3)).count(), 2, "{calls:?}");
}

#[test]
fn a_sub_agent_of_the_older_family_follows_its_own_entry() {
    delegate("gpt-5.5");
}

#[test]
fn a_sub_agent_of_the_newer_family_follows_its_own_entry() {
    delegate("gpt-6.1-sol");
}

#[test]
fn a_bad_request_fails_the_turn_at_once() {
    let model = Model::start("[[prompt]]\nmatch = \"*\"\nreplies = [[{ status = 400, message = \"scripted no\" }]]");
    let run = exec(&model, &Stage::new(), "gpt-5.5", "hi");
    assert!(!run.success);
    let failed = run.messages.iter().find(|message| message["type"] == "turn.failed").expect("the turn fails");
    assert!(failed["error"]["message"].as_str().unwrap().contains("scripted no"), "{failed}");
    assert_eq!(model.calls(), [(Some(0), Some(1))]);
}

#[test]
fn a_context_that_is_too_long_is_understood_as_such() {
    let model = Model::start("[[prompt]]\nmatch = \"*\"\nreplies = [[{ failed = \"context_length_exceeded\" }]]");
    let run = exec(&model, &Stage::new(), "gpt-5.5", "hi");
    let failed = run.messages.iter().find(|message| message["type"] == "turn.failed").expect("the turn fails");
    assert!(failed["error"]["message"].as_str().unwrap().contains("context window"), "{failed}");
}

#[test]
fn a_dropped_stream_is_tried_again_and_gets_the_next_reply() {
    let replies = r#"[{ say = "par" }, { pause_ms = 50 }, { drop = true }], [{ say = "whole answer" }]"#;
    let model = Model::start(&support::any(replies));
    let run = exec(&model, &Stage::new(), "gpt-5.5", "hi");
    assert!(run.success, "{}", run.stderr);
    assert_eq!(texts(&run).last(), Some(&"whole answer"));
    assert_eq!(model.calls(), [(Some(0), Some(1)), (Some(0), Some(2))]);
}

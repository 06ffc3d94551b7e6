//! The adapter of `docs/authors.md`: it does what the page says, the suite finds nothing at it, and it is as short as that.

#[path = "../examples/quill_adapter/translate.rs"]
mod translate;
#[path = "../examples/quill_adapter/wire.rs"]
mod wire;

mod support;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use acp_server::transport::child::{ChildSpec, Deadlines};
use acp_server::types::v1;
use acp_server::{Answer, Client, ClientContext, connect};
use harness_adapters::translate::{Effect, Effects, Input, Request, RequestId, Timer, Translator};
use harness_adapters::{Failure, FailureKind};
use serde_json::Value;
use support::{PATIENCE, model_program, soon};
use translate::Session;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quill_adapter")
}

/// The folder with the built examples.
fn programs() -> PathBuf {
    let programs = Path::new(env!("CARGO_BIN_EXE_acp-harness")).with_file_name("examples");
    assert!(programs.join("quill_adapter").is_file(), "build the examples of harness-adapters first");
    programs
}

fn files() -> Vec<(String, String)> {
    let files = std::fs::read_dir(folder()).expect("the example").map(|entry| entry.expect("a file").path());
    let sources = files.filter(|file| file.extension().is_some_and(|ext| ext == "rs" || ext == "toml"));
    sources.map(|file| (file.display().to_string(), std::fs::read_to_string(&file).expect("text"))).collect()
}

/// A command that finds the examples, and the launch profile of Quill.
fn command(program: &Path) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(programs()).chain(std::env::split_paths(&path));
    let mut command = Command::new(program);
    command.env("PATH", std::env::join_paths(path).expect("a path"));
    command.env("ACP_HARNESS_PROFILES", folder().join("profile.toml"));
    command
}

#[test]
fn a_whole_adapter_with_its_launch_profile_has_250_lines() {
    let files = files();
    assert_eq!(files.len(), 4, "{files:?}");
    let lines: usize = files.iter().map(|(_, text)| text.lines().count()).sum();
    assert!(lines <= 250, "{lines} lines");
}

#[test]
fn the_page_for_authors_shows_the_code_as_it_is() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/authors.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let code: String = files().into_iter().map(|(_, text)| text).collect();
    let blocks = page.split("```").skip(1).step_by(2);
    let mut shown = 0;
    for block in blocks {
        let (language, block) = block.split_once('\n').expect("a language");
        if language != "rust" && language != "toml" {
            continue;
        }
        shown += 1;
        // What is left out between two parts is a line with three dots.
        for part in block.split("    // …\n") {
            assert!(code.contains(part), "docs/authors.md shows what is not in the example:\n{part}");
        }
    }
    assert!(shown >= 5, "{shown} blocks");
}

#[test]
fn the_suite_finds_nothing_at_it() {
    let report = tempfile::NamedTempFile::new().expect("a file");
    let mut suite = command(&model_program());
    suite.args(["agent", "--format", "json", "--", env!("CARGO_BIN_EXE_acp-harness"), "quill"]);
    let suite = suite.stdin(Stdio::null()).stdout(report.reopen().expect("the file"));
    let status = suite.status().expect("the suite");
    let report = std::fs::read_to_string(report.path()).expect("a report");
    let lines = report.lines().map(|line| serde_json::from_str::<Value>(line).expect("a JSON line"));
    let (summary, checks): (Vec<_>, Vec<_>) = lines.partition(|line| line.get("summary").is_some());
    let bad: Vec<_> =
        checks.iter().filter(|check| matches!(check["verdict"].as_str(), Some("fail" | "warn" | "error"))).collect();
    assert!(bad.is_empty() && status.success(), "{status}: {bad:#?}");
    let passed = summary[0]["counts"]["pass"].as_u64().unwrap_or_default();
    assert!(passed > 60, "{}", summary[0]);
}

/// Allows the first tool, and no other.
#[derive(Default)]
struct User {
    asked: AtomicUsize,
}

impl Client for User {
    async fn request_permission(
        &self,
        _: v1::RequestPermissionRequest,
        _: &ClientContext,
    ) -> Answer<v1::RequestPermissionResponse> {
        let option = if self.asked.fetch_add(1, Ordering::SeqCst) == 0 { "yes" } else { "no" };
        let chosen = v1::SelectedPermissionOutcome::new(option);
        Ok(v1::RequestPermissionResponse::new(v1::RequestPermissionOutcome::Selected(chosen)))
    }
}

/// The recording of a short session, with its id replaced.
async fn record() -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let program = programs().join("quill_adapter");
    let spec = ChildSpec::new(program).arg(programs().join("quill")).arg(directory.path());
    let (transport, mut child) = spec.spawn().await.expect("the adapter");
    let agent = connect(User::default(), transport);
    agent.initialize(v1::InitializeRequest::new(v1::ProtocolVersion::V1)).await.expect("the adapter speaks ACP");
    let new = v1::NewSessionRequest::new(directory.path());
    let session = agent.new_session(new).await.expect("a session").session_id;
    for text in ["Reply with the word OK.", "Run the shell command: echo hello", "Run the shell command: echo never"] {
        let prompt = v1::PromptRequest::new(session.clone(), vec![text.into()]);
        soon("the end of the turn", agent.prompt(prompt)).await.expect("a turn");
    }
    agent.close().await;
    child.shutdown(Deadlines::default()).await;
    let file = directory.path().join(format!("{session}.jsonl"));
    std::fs::read_to_string(file).expect("the recording").replace(&*session.0, "session")
}

#[tokio::test]
async fn a_session_is_recorded_and_its_recording_replays_to_the_golden_transcript() {
    let recording = tokio::time::timeout(PATIENCE, record()).await.expect("a recording in time");
    let mut lines = recording.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let setup = lines.next().expect("a setup")["setup"].take();
    let mut session = Session::new(serde_json::from_value(setup).expect("the session's id"));
    let mut transcript = String::new();
    for (number, mut line) in lines.enumerate() {
        // By way of text, because raw JSON can be decoded from text only.
        let input = serde_json::from_str(&line["input"].take().to_string()).expect("an input");
        for effect in step(&mut session, input) {
            let effect = serde_json::to_string(&effect).expect("effects are JSON");
            writeln!(transcript, "{{\"line\":{},\"effect\":{effect}}}", number + 2).expect("a string");
        }
    }
    for (name, actual) in [("recording.jsonl", recording), ("transcript.jsonl", transcript)] {
        let golden = folder().join(name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, actual).expect("write");
            continue;
        }
        let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&beside, &actual).expect("write");
        let same = std::fs::read_to_string(&golden).unwrap_or_default() == actual;
        assert!(same, "{} differs from {}; UPDATE_GOLDEN=1 writes it anew", golden.display(), beside.display());
    }
}

fn step(session: &mut Session, input: Input) -> Vec<Effect> {
    let mut effects = Effects::default();
    session.step(input, &mut effects);
    effects.take().collect()
}

fn asked(session: &mut Session, id: u64) -> Vec<Effect> {
    let prompt = v1::PromptRequest::new("session", vec!["Count from 1 to 1000, slowly.".into()]);
    step(session, Input::Request { id: RequestId(id), request: Request::Prompt(prompt) })
}

fn stopped(id: u64) -> Effect {
    let response = v1::PromptResponse::new(v1::StopReason::Cancelled);
    Effect::Answer { id: RequestId(id), answer: Ok(harness_adapters::translate::Answer::Prompt(response)) }
}

#[test]
fn a_harness_that_does_not_obey_a_stop_is_killed() {
    let mut session = Session::new("session".into());
    assert_eq!(asked(&mut session, 1).len(), 1);
    let effects = step(&mut session, Input::Cancel { id: RequestId(1) });
    assert!(matches!(effects[..], [Effect::Send(_), Effect::Arm { timer: Timer(0), .. }]), "{effects:?}");
    asked(&mut session, 2);
    assert_eq!(
        step(&mut session, Input::Fired { timer: Timer(0) }),
        [Effect::Disarm(Timer(0)), stopped(1), Effect::Kill]
    );
    let failure = Failure::new(FailureKind::Harness, "it was killed");
    let effects = step(&mut session, Input::Exited(failure.clone()));
    assert!(effects.contains(&Effect::Answer { id: RequestId(2), answer: Err(failure) }), "{effects:?}");
}

#[test]
fn a_prompt_that_waits_is_taken_back_without_the_harness() {
    let mut session = Session::new("session".into());
    asked(&mut session, 1);
    assert_eq!(asked(&mut session, 2), [], "one at a time");
    assert_eq!(step(&mut session, Input::Cancel { id: RequestId(2) }), [stopped(2)]);
    assert_eq!(step(&mut session, Input::Cancel { id: RequestId(2) }), [], "it has its answer");
}

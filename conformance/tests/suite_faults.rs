//! What the suite or the machine does wrong is held against nobody, and is told as such.

use std::fs;
use std::process::{Command, Output};
use std::sync::Arc;

use conformance::Check;
use conformance::history::Case;
use conformance::mock::{self, Breaks, Store};
use conformance::probe::{Limits, Probe, Stop};
use conformance::scenario::Scenario;
use conformance::schema::{Schemas, Side};
use conformance::subject::Subject;
use conformance::suite::{CheckResult, Options, Suite};
use conformance::verdict::{Outcome, Verdict};
use serde_json::json;

fn passes(_: &Case<'_>) -> Outcome {
    Outcome::Pass
}

fn breaks(_: &Case<'_>) -> Outcome {
    Outcome::broken("nothing", "something", Vec::new())
}

fn panics(_: &Case<'_>) -> Outcome {
    panic!("a wrong index")
}

async fn fine(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let _ = probe.call("bad/cwd", "session/new", json!({ "cwd": 7, "mcpServers": [] })).await?;
    let _ = probe.call("_ours", "_conformance/ping", json!(null)).await?;
    Ok(())
}

async fn wrong(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let _ = probe.call("new", "session/new", json!({ "cwd": 7, "mcpServers": [] })).await?;
    Ok(())
}

async fn slips(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    panic!("a wrong step")
}

async fn fails(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    fs::read(probe.path("never-written"))?;
    Ok(())
}

macro_rules! scenario {
    ($name:literal, $play:ident, $check:expr) => {
        Scenario { name: $name, about: "", play: |probe| Box::pin($play(probe)), checks: &[$check] }
    };
}

const INVARIANTS: &[Check] = &[Check::new("RPC-01", passes)];

/// Plays the scenario alone and gives out what its own check and the invariant came to.
async fn judge(scenarios: &'static [Scenario]) -> Vec<CheckResult> {
    let suite = Suite { subject: Side::Agent, scenarios, invariants: INVARIANTS };
    let make = Box::new(|| mock::inside(Breaks::default(), Store::default()));
    let subject = Arc::new(Subject::Inside { name: "the mock agent".to_owned(), make });
    let schemas = Schemas::of(None, 1).expect("the newest schemas");
    let options = Options { select: Vec::new(), limits: Limits::default(), jobs: 1, schemas };
    let run = suite.run(subject, &options).await;
    assert_eq!(run.not_started, None, "that it did not start is told of subjects only");
    run.results
}

fn told(results: &[CheckResult]) -> Vec<(&str, Verdict)> {
    results.iter().map(|result| (result.id, result.verdict)).collect()
}

fn why(result: &CheckResult) -> &str {
    result.why.as_deref().unwrap_or_default()
}

#[tokio::test]
async fn what_is_wrong_on_purpose_is_no_fault() {
    const FINE: &[Scenario] = &[scenario!("fine", fine, Check::new("RPC-02", passes))];
    assert_eq!(told(&judge(FINE).await), [("RPC-01", Verdict::Pass), ("RPC-02", Verdict::Pass)]);
}

#[tokio::test]
async fn a_message_of_our_own_that_the_schema_refuses_is_held_against_nobody() {
    const WRONG: &[Scenario] = &[scenario!("wrong", wrong, Check::new("RPC-02", breaks))];
    let results = judge(WRONG).await;
    assert_eq!(told(&results), [("RPC-01", Verdict::Error), ("RPC-02", Verdict::Error)]);
    assert!(why(&results[1]).contains("`new`") && why(&results[1]).contains("cwd"), "{:?}", results[1]);
}

#[tokio::test]
async fn a_scenario_that_panics_and_one_that_the_machine_fails_are_held_against_nobody() {
    const PANICS: &[Scenario] = &[scenario!("slips", slips, Check::new("RPC-02", breaks))];
    let results = judge(PANICS).await;
    assert_eq!(told(&results), [("RPC-01", Verdict::Error), ("RPC-02", Verdict::Error)]);
    assert!(why(&results[0]).contains("a wrong step"), "{results:?}");
    const FAILS: &[Scenario] = &[scenario!("fails", fails, Check::new("RPC-02", breaks))];
    let results = judge(FAILS).await;
    assert_eq!(told(&results), [("RPC-01", Verdict::Error), ("RPC-02", Verdict::Error)]);
    assert!(why(&results[0]).contains("the machine failed"), "{results:?}");
}

#[tokio::test]
async fn a_check_that_panics_is_an_error_and_the_others_are_judged() {
    const PANICS: &[Scenario] = &[
        scenario!("panics", fine, Check::new("RPC-02", panics)),
        scenario!("fine", fine, Check::new("RPC-03", breaks)),
    ];
    let results = judge(PANICS).await;
    let expected = [("RPC-01", Verdict::Pass), ("RPC-02", Verdict::Error), ("RPC-03", Verdict::Fail)];
    assert_eq!(told(&results), expected);
    assert!(why(&results[1]).contains("a wrong index"), "{results:?}");
}

#[tokio::test]
async fn a_failure_that_another_history_shows_is_a_failure_all_the_same() {
    const SUITE: Suite = Suite {
        subject: Side::Agent,
        scenarios: &[
            scenario!("wrong", wrong, Check::new("RPC-02", passes)),
            scenario!("fine", fine, Check::new("RPC-03", passes)),
        ],
        invariants: &[Check::new("RPC-01", breaks)],
    };
    let make = Box::new(|| mock::inside(Breaks::default(), Store::default()));
    let subject = Arc::new(Subject::Inside { name: "the mock agent".to_owned(), make });
    let schemas = Schemas::of(None, 1).expect("the newest schemas");
    let options = Options { select: Vec::new(), limits: Limits::default(), jobs: 1, schemas };
    let results = SUITE.run(subject, &options).await.results;
    let expected = [("RPC-01", Verdict::Fail), ("RPC-02", Verdict::Error), ("RPC-03", Verdict::Pass)];
    assert_eq!(told(&results), expected);
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_acp-conformance");

fn tool(arguments: &[&str], temporary: Option<&str>) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments);
    if let Some(directory) = temporary {
        command.env("TMPDIR", directory);
    }
    command.output().expect("run acp-conformance")
}

#[test]
fn a_machine_on_which_nothing_can_be_played_is_told_by_the_exit_code() {
    let commands: [&[&str]; 3] = [
        &["agent", "--select", "INIT-04", "--", PROGRAM, "mock-agent"],
        &["client", "--select", "INIT-03", "--", PROGRAM, "mock-client", "--"],
        &["bridge", "--select", "BRIDGE-02", "--", "sh", "-c", "exec {agent}"],
    ];
    for command in commands {
        let output = tool(command, Some("/dev/null/directory"));
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(4), "{text}{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains("ERROR") && text.contains("the machine failed"), "{text}");
    }
}

#[test]
fn a_transcript_with_a_wrong_message_of_our_own_is_judged_as_a_fault_of_the_suite() {
    let folder = tempfile::tempdir().expect("a directory");
    let keep = folder.path().to_str().expect("a path");
    let select = ["--select", "PROMPT-04"];
    let fail = ["--", PROGRAM, "mock-agent", "--fail", "PROMPT-04"];
    let output = tool(&[&["agent"], &select[..], &["--transcripts", keep], &fail].concat(), None);
    assert_eq!(output.status.code(), Some(1));
    let transcript = folder.path().join("turns.jsonl");
    let text = fs::read_to_string(&transcript).expect("a transcript");
    let wrong = text.replacen(r#"\"mcpServers\":[]"#, r#"\"mcpServers\":7"#, 1);
    assert_ne!(text, wrong, "a session is made");
    fs::write(&transcript, wrong).expect("write the transcript");
    let path = transcript.to_str().expect("a path");
    for format in ["text", "json", "junit", "tap"] {
        let output = tool(&["replay", "--format", format, "--select", "PROMPT-04", path], None);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(4), "{text}");
        assert!(text.contains("the schema refuses"), "{text}");
    }
}

//! The promises of a durable bridge: acp-bridge keeps them all, and for each there is something in front of it that breaks
//! exactly this one.

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use conformance::bridge::DURABLE;
use conformance::mock::{self, Breaks};
use conformance::probe::Limits;
use conformance::subject::Subject;
use conformance::suite::CheckResult;
use conformance::verdict::Verdict;
use support::mutants;

/// Turns end, however busy the machine is; what a broken peer never sends is waited for by the step.
const TURN: Duration = Duration::from_secs(60);

/// A running acp-bridge with the mock agent behind it. Dropping it ends it.
struct Bridge {
    child: Child,
    url: String,
    _directory: tempfile::TempDir,
}

impl Bridge {
    fn start() -> Self {
        let agent = env!("CARGO_BIN_EXE_acp-conformance");
        let program = Path::new(agent).with_file_name("acp-bridge");
        assert!(program.is_file(), "{} is missing: run `cargo build -p acp-bridge --bins`", program.display());
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name).display().to_string();
        let mut child = Command::new(program)
            .args([
                "serve",
                "--listen",
                ":0",
                "--cancel-grace",
                "300ms",
                "--log",
                &format!("sqlite:{}", path("log.db")),
            ])
            .args(["--", agent, "mock-agent", "--sessions", &path("sessions.json")])
            .stdout(Stdio::piped())
            .spawn()
            .expect("start acp-bridge");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its stdout")).read_line(&mut line).expect("where it listens");
        let url = line.split_once("ACP: ").and_then(|(_, rest)| rest.split_once(')')).expect("an address").0.to_owned();
        Self { child, url, _directory: directory }
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn test(bridge: &Bridge, breaks: Breaks, limit: Duration) -> Vec<CheckResult> {
    let url = bridge.url.clone();
    let make = Box::new(move || mock::durable(&url, breaks.clone()));
    let subject = Arc::new(Subject::Inside { name: "acp-bridge".to_owned(), make });
    let limits = Limits { turn: TURN, quiet: Duration::from_millis(100), ..mutants::limits(limit) };
    let run = DURABLE.run(subject, &mutants::options(1, limits)).await;
    assert_eq!(run.not_started, None);
    run.results
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acp_bridge_keeps_every_promise_and_each_is_broken_by_what_is_to_break_it() {
    let bridge = Bridge::start();
    mutants::all_pass(&test(&bridge, Breaks::default(), Duration::from_secs(30)).await);
    let fails = |result: &CheckResult| result.verdict == Verdict::Fail;
    mutants::each_fails_its_check(mock::durable_breaks(), 2, fails, async |id| {
        test(&bridge, Breaks::of(id).expect("a known break"), Duration::from_secs(10)).await
    })
    .await;
}

#[test]
fn every_promise_that_is_asked_for_can_be_broken() {
    let broken: BTreeSet<&str> = mock::durable_breaks().iter().map(|(id, _)| *id).collect();
    let asked: BTreeSet<&str> = DURABLE.checks().map(|(check, _)| check.id).collect();
    assert_eq!(asked, broken);
    assert!(DURABLE.checks().all(|(check, _)| check.requirement().is_some()));
}

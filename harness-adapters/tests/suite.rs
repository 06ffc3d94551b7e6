//! Our own conformance suite, played against both adapters with the real harnesses behind them.

mod support;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The longest that the suite may take on a busy machine. On an idle one it is a small part of that.
const PATIENCE: Duration = Duration::from_secs(900);

/// What the suite finds at an adapter that is not as it should be, as `verdict id`.
fn found(name: &str) -> Vec<String> {
    let report = tempfile::NamedTempFile::new().expect("a file");
    let mut suite = Command::new(support::model_program())
        .args(["agent", "--format", "json", "--recipe", name, "--", env!("CARGO_BIN_EXE_acp-harness"), name])
        .arg("--program")
        .arg(support::harness(name))
        .stdin(Stdio::null())
        .stdout(report.reopen().expect("the file"))
        .spawn()
        .expect("the suite");
    let since = Instant::now();
    let status = loop {
        if let Some(status) = suite.try_wait().expect("a status") {
            break status;
        }
        if since.elapsed() > PATIENCE {
            suite.kill().expect("killed");
            suite.wait().expect("its end");
            panic!("the suite did not end in {} s", PATIENCE.as_secs());
        }
        std::thread::park_timeout(Duration::from_millis(50));
    };
    let report = std::fs::read_to_string(report.path()).expect("a report");
    let lines = report.lines().map(|line| serde_json::from_str::<Value>(line).expect("a JSON line"));
    let (summary, checks): (Vec<_>, Vec<_>) = lines.partition(|line| line.get("summary").is_some());
    assert_eq!(summary.len(), 1, "{status}: {report}");
    assert!(summary[0]["counts"]["pass"].as_u64().is_some_and(|passed| passed > 100), "{}", summary[0]);
    let word = |check: &Value, key: &str| check[key].as_str().unwrap_or_default().to_owned();
    let bad = checks.iter().filter(|check| matches!(&*word(check, "verdict"), "fail" | "warn" | "error"));
    bad.map(|check| format!("{} {}", word(check, "verdict"), word(check, "id"))).collect()
}

#[test]
fn the_suite_finds_nothing_at_codex() {
    assert_eq!(found("codex"), Vec::<String>::new());
}

#[test]
fn the_suite_finds_nothing_at_claude_code() {
    assert_eq!(found("claude"), Vec::<String>::new());
}

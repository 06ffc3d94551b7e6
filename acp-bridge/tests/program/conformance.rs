//! The bridge before our mock agent, asked what the conformance suite asks of any agent, and as a client of its agents.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use crate::support::harness::beside;
use crate::support::{Bridge, Options};
use serde_json::Value;

/// What the suite warns of, and why the bridge does it all the same.
const WARNED: [(&str, &str); 0] = [];

/// Everything that a suite says, a JSON line for each check.
fn suite(name: &str, arguments: &[&str]) -> Vec<Value> {
    let program = beside("acp-conformance", "cargo build -p conformance --bins");
    let output = Command::new(program)
        .args([name, "--format", "json", "--jobs", "1"])
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("run acp-conformance");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

/// The checks that came to this.
fn ids<'s>(said: &'s [Value], verdict: &str) -> BTreeSet<&'s str> {
    said.iter().filter(|line| line["verdict"] == verdict).filter_map(|line| line["id"].as_str()).collect()
}

#[test]
fn the_bridge_is_an_agent_that_fails_nothing_and_is_warned_of_what_is_meant() {
    let sessions = tempfile::tempdir().expect("a directory");
    let mock = beside("acp-conformance", "cargo build -p conformance --bins").display().to_string();
    let kept = sessions.path().join("sessions.json").display().to_string();
    let agent = ["mock-agent".to_owned(), "--sessions".to_owned(), kept];
    let agent = std::iter::once(mock).chain(agent).collect();
    let args = ["--cancel-grace", "300ms", "--durability", "os"].map(str::to_owned).into();
    let bridge = Bridge::start(Options { agent, args, wrapper: None, listen: None });
    let said = suite("agent", &["--url", &format!("ws://{}/acp", bridge.address)]);
    let about = |wrong: &BTreeSet<&str>| -> Vec<&Value> {
        said.iter().filter(|line| line["id"].as_str().is_some_and(|id| wrong.contains(id))).collect()
    };
    let failed = ids(&said, "fail");
    assert!(failed.is_empty(), "{:#?}", about(&failed));
    let warned = ids(&said, "warn");
    assert_eq!(warned, WARNED.map(|(id, _)| id).into(), "{:#?}", about(&warned));
    let passed = ids(&said, "pass");
    assert!(passed.len() > 150, "only {passed:?} passed");
}

#[test]
fn the_bridge_leaves_an_agent_of_another_version_and_has_an_answer_to_everything() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance/clients/bridge.sh");
    let wanted = ["INIT-03", "INIT-10", "EXT-06", "EXT-07"];
    let mut arguments: Vec<&str> = wanted.iter().flat_map(|id| ["--select", *id]).collect();
    arguments.extend(["--", script, env!("CARGO_BIN_EXE_acp-bridge"), "--"]);
    let said = suite("client", &arguments);
    assert_eq!(ids(&said, "pass"), wanted.into(), "{said:#?}");
}

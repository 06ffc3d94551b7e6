//! The examples are small, and they work.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::process::{Command, Stdio};

use support::{example, output};

fn lines(name: &str) -> usize {
    std::fs::read_to_string(format!("{}/examples/{name}.rs", env!("CARGO_MANIFEST_DIR"))).unwrap().lines().count()
}

#[test]
fn a_client_of_forty_lines_asks_an_agent_of_thirty() {
    assert!(lines("minimal_agent") <= 30, "{} lines", lines("minimal_agent"));
    assert!(lines("one_shot_client") <= 40, "{} lines", lines("one_shot_client"));
    let asked = output(Command::new(example("one_shot_client")).arg("Hello?").arg(example("minimal_agent")));
    assert!(asked.status.success(), "{asked:?}");
    assert_eq!(String::from_utf8(asked.stdout).unwrap(), "You said: Hello?");
}

#[test]
fn a_client_without_arguments_says_how_to_use_it() {
    let asked = output(Command::new(example("one_shot_client")).stdin(Stdio::null()));
    assert!(!asked.status.success());
    assert!(String::from_utf8(asked.stderr).unwrap().contains("usage: "));
}

#[test]
fn the_flood_arrives_complete() {
    let flooded = output(Command::new(example("flood_client")).arg("flood 20000").arg(example("flood_agent")));
    assert!(flooded.status.success(), "{flooded:?}");
    let result: serde_json::Value = serde_json::from_slice(&flooded.stdout).unwrap();
    assert_eq!((&result["updates"], &result["stop_reason"]), (&20000.into(), &"end_turn".into()));
}

#[test]
fn round_trips_are_measured() {
    let asked = output(Command::new(example("flood_client")).arg("ask 100").arg(example("flood_agent")));
    assert!(asked.status.success(), "{asked:?}");
    let result: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap();
    let report: serde_json::Value = serde_json::from_str(result["last_text"].as_str().unwrap()).unwrap();
    assert_eq!(report["asked"], 100);
}

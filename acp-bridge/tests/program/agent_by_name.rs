//! `--agent NAME`: profiles of the user's own, and what is said when there is none.

use std::process::Command;

use crate::support::harness::beside;
use crate::support::{Bridge, Options, example};
use serde_json::json;

fn profiles(directory: &std::path::Path, text: &str) -> String {
    let file = directory.join("profiles.toml");
    std::fs::write(&file, text).expect("write");
    format!("ACP_HARNESS_PROFILES={}", file.display())
}

#[test]
fn an_agent_with_a_profile_of_the_users_own_runs_by_its_name() {
    beside("acp-harness", "cargo build -p harness-adapters --bins");
    let directory = tempfile::tempdir().unwrap();
    let profile =
        format!("[[profile]]\nname = \"mine\"\nprogram = {:?}\nenv = {{ MINE = \"yes\" }}\n", example("fault_agent"));
    let mut options =
        Options { agent: Vec::new(), args: vec!["--agent".into(), "mine".into()], wrapper: None, listen: None };
    options.wrapper = Some(vec!["env".into(), profiles(directory.path(), &profile)]);
    let bridge = Bridge::start(options);
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "echo hello");
    let (answer, chunks) = client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], json!("end_turn"));
    assert_eq!(crate::support::client::text(&chunks), "hello");
}

#[test]
fn a_name_that_nobody_knows_and_one_that_is_not_installed_are_refused_at_the_start() {
    beside("acp-harness", "cargo build -p harness-adapters --bins");
    let directory = tempfile::tempdir().unwrap();
    let profile = "[[profile]]\nname = \"absent\"\nprogram = \"no-such-agent\"\ninstall = \"make no-such-agent\"\n";
    let variable = profiles(directory.path(), profile);
    let serve = |name: &str| {
        let (variable, value) = variable.split_once('=').unwrap();
        let log = format!("sqlite:{}", directory.path().join("log.db").display());
        let output = Command::new(env!("CARGO_BIN_EXE_acp-bridge"))
            .args(["serve", "--listen", ":0", "--log", &log, "--agent", name])
            .env(variable, value)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = serve("nobody");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("\"nobody\"") && said.contains("codex") && said.contains("absent"), "{said}");
    let (code, said) = serve("absent");
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("no-such-agent") && said.contains("make no-such-agent"), "{said}");
}

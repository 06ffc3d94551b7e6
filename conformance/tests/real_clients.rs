//! Clients that this project did not write, tested as a client: what they are told is true, and nothing else is said.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Tests the client that `arguments` start from the workspace's root: what failed or warns, and how much passed.
fn told(arguments: &[&str]) -> (Vec<String>, u64) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let installed = ["interop/ts", "interop/acpx"].iter().all(|place| root.join(place).join("node_modules").is_dir());
    assert!(
        installed,
        "the clients are not installed: run `cargo xtask test`, or `npm ci` in interop/ts and interop/acpx"
    );
    let output = Command::new(env!("CARGO_BIN_EXE_acp-conformance"))
        .args(["client", "--format", "json", "--jobs", "2", "--timeout", "60s", "--"])
        .args(arguments)
        .current_dir(root)
        .output()
        .expect("run acp-conformance");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    let (counts, checks) = lines.split_last().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let wrong = checks.iter().filter(|check| check["verdict"] == "fail" || check["verdict"] == "warn");
    (wrong.map(|check| check.to_string()).collect(), counts["counts"]["pass"].as_u64().unwrap_or_default())
}

fn ids(told: &[String]) -> Vec<String> {
    let id = |line: &String| serde_json::from_str::<Value>(line).ok()?["id"].as_str().map(str::to_owned);
    told.iter().filter_map(id).collect()
}

#[test]
fn the_official_typescript_sdk_breaks_nothing() {
    let (wrong, passed) = told(&["conformance/clients/steps.sh", "allow_once", "node", "interop/ts/client.mjs", "--"]);
    // The version is left to the program, and this one does not look.
    assert_eq!(ids(&wrong), ["INIT-10"], "{wrong:#?}");
    assert!(passed > 50, "only {passed} passed");
}

#[test]
fn acpx_breaks_nothing_and_leaves_three_recommendations() {
    let (wrong, passed) = told(&["conformance/clients/acpx.sh", "{agent}"]);
    assert_eq!(ids(&wrong), ["ERR-07/a", "INIT-10", "ELICIT-19"], "{wrong:#?}");
    assert!(passed > 68, "only {passed} passed");
}

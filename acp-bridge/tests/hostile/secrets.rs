//! Secrets that must not be where everybody looks.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;

use crate::report::held;
use crate::support::Bridge;
use crate::support::bridge::secrets_beside;
use crate::tapped::{tapped_agent, told};

const SECRET: &str = "obvious-fake-token";

/// Every file below a directory.
fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.path().is_dir() { found.extend(files(&entry.path())) } else { found.push(entry.path()) }
    }
    found
}

fn holds_secret(file: &Path) -> bool {
    let bytes = std::fs::read(file).unwrap_or_default();
    bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
}

#[test]
fn nothing_of_an_mcp_server_is_in_log_or_export_and_it_is_there_again_after_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let (log, tap) = (directory.path().join("log.db"), directory.path().join("told"));
    let mut bridge = Bridge::on(&log, tapped_agent(&tap));
    let mut client = bridge.client();
    let servers = json!([
        { "name": "args", "command": "/bin/true", "args": ["--token", SECRET], "env": [] },
        { "name": "env", "command": "/bin/true", "args": [], "env": [{ "name": "T", "value": SECRET }] },
        { "type": "http", "name": "url", "url": format!("https://u:{SECRET}@host/?t={SECRET}"), "headers": [] },
        { "type": "http", "name": "headers", "url": "http://h/", "headers": [{ "name": "T", "value": SECRET }] },
        { "name": "meta", "command": "/bin/true", "args": [], "env": [], "_meta": { "t": SECRET } },
        { "name": SECRET.len().to_string(), "command": SECRET, "args": [], "env": [], "type": SECRET },
    ]);
    let params = json!({ "cwd": "/", "mcpServers": servers, "_meta": { "x": { "mcpServers": servers } } });
    let session = client.call("session/new", &params)["sessionId"].as_str().expect("an id").to_owned();
    let brought = json!({ "sessionId": session, "cwd": "/", "mcpServers": servers });
    client.call("session/load", &brought);
    client.call("session/resume", &brought);
    let turn = client.prompt(&session, "echo hello");
    client.turn(turn);

    let secrets = secrets_beside(&log);
    let clean = |when: &str| {
        for file in files(directory.path()) {
            let is_told = file == tap;
            let is_kept = file.starts_with(&secrets);
            assert!(is_told || is_kept || !holds_secret(&file), "{when}: {}", file.display());
            let mode = std::fs::metadata(&file).expect("a file").permissions().mode();
            assert!(!is_kept || mode & 0o077 == 0, "{} has mode {mode:o}", file.display());
        }
    };
    clean("while it runs");
    for url in [true, false] {
        let exported = if url {
            bridge.cli(&["export", &session]).0
        } else {
            let output = std::process::Command::new(env!("CARGO_BIN_EXE_acp-bridge"))
                .args(["export", &session, "--log", &format!("sqlite:{}", log.display())])
                .output()
                .expect("export");
            String::from_utf8(output.stdout).expect("UTF-8")
        };
        assert!(exported.contains("fingerprint") && !exported.contains(SECRET), "{exported}");
    }

    bridge.kill();
    clean("after kill -9");
    std::fs::remove_file(&tap).expect("forget what was told");
    bridge.restart();
    let mut client = bridge.client();
    client.resume(&session, None);
    let turn = client.prompt(&session, "echo again");
    client.turn(turn);
    assert!(told(&tap).expect("started").contains(&format!("--token\",\"{SECRET}")), "the servers are there again");
    assert!(files(&secrets).iter().any(|file| holds_secret(file)), "the test looks at the wrong place");

    client.call("session/delete", &json!({ "sessionId": session }));
    assert!(!files(&secrets).iter().any(|file| holds_secret(file)), "it is gone when the delete is answered");
    assert!(bridge.terminate().success());
    clean("at the end");
    held(
        "give MCP servers with a token in each of their members and in _meta",
        "log, exports and files beside them have none; they start again after kill -9; deleting the session deletes them",
    );
}

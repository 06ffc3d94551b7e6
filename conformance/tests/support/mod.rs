//! The model server as a process, and a plain HTTP client for it.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test file uses its part")]

pub mod cli;
pub mod harness;
pub mod http;
pub mod mutants;

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A running `acp-conformance model`, ended with the test.
pub struct Model {
    child: Child,
    pub url: String,
    files: tempfile::TempDir,
}

impl Model {
    /// Starts it with a script.
    pub fn start(script: &str) -> Self {
        Self::with(Some(script), &[])
    }

    pub fn with(script: Option<&str>, arguments: &[&str]) -> Self {
        let files = tempfile::tempdir().unwrap();
        let mut command = program();
        command.args(["--json", "--requests"]).arg(files.path().join("requests.jsonl")).args(arguments);
        if let Some(script) = script {
            std::fs::write(files.path().join("script.toml"), script).unwrap();
            command.arg("--script").arg(files.path().join("script.toml"));
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        // From here on it is ended even when the test fails.
        let mut model = Self { child, url: String::new(), files };
        let line = lines.recv_timeout(DEADLINE).expect("the model says where it listens");
        let said: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(said["event"], "listening");
        said["url"].as_str().unwrap().clone_into(&mut model.url);
        model
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    pub fn get(&self, path: &str) -> http::Response {
        http::send(self.address(), &http::head("GET", path, self.address(), None), b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> http::Response {
        http::post(self.address(), path, body)
    }

    /// The requests as `/control/requests` has them.
    pub fn requests(&self) -> Vec<Value> {
        serde_json::from_slice(&self.get("/control/requests").body).unwrap()
    }

    /// Prompt and call of each request that was no side call.
    pub fn calls(&self) -> Vec<(Option<u64>, Option<u64>)> {
        let requests = self.requests().into_iter().filter(|request| request["side"].is_null());
        requests.map(|request| (request["prompt"].as_u64(), request["call"].as_u64())).collect()
    }

    pub fn requests_file(&self) -> PathBuf {
        self.files.path().join("requests.jsonl")
    }

    /// Asks it to stop, and waits until it has.
    pub fn terminate(mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        wait(&mut self.child, Duration::from_secs(10)).expect("it ends soon")
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `acp-conformance model`.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-conformance"));
    command.arg("model").env_remove("ACP_CONFORMANCE_LOG");
    command
}

/// The exit status, unless it takes too long.
pub fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}

/// A script with one entry for every prompt.
pub fn any(replies: &str) -> String {
    format!("[[prompt]]\nmatch = \"*\"\nreplies = [{replies}]\n")
}

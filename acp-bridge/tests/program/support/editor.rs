//! An editor: it starts `acp-bridge attach` as its agent and speaks ACP with it over stdio, and knows no bridge.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::DEADLINE;
use super::json_rpc::{JsonRpc, Wire};

pub type Editor = JsonRpc<Attach>;

/// `acp-bridge attach` as a child; killed when dropped.
pub struct Attach {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    /// Everything that came, in order.
    seen: Vec<Value>,
}

/// Anything but a message of JSON-RPC fails the test, and so does anything that only those understand who know the bridge.
impl Wire for Attach {
    fn send_text(&mut self, message: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        writeln!(stdin, "{message}").and_then(|()| stdin.flush()).expect("write to attach");
    }

    fn receive(&mut self, limit: Duration) -> Option<Value> {
        let line = match self.lines.recv_timeout(limit) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => return None,
            Err(RecvTimeoutError::Disconnected) => panic!("attach has closed stdout; it said {:?}", self.seen),
        };
        let message: Value = acp_types::json::from_str(&line).unwrap_or_else(|e| panic!("on stdout: {line:?}: {e}"));
        assert_eq!(message["jsonrpc"], "2.0", "on stdout: {line}");
        let method = message["method"].as_str().unwrap_or_default();
        assert!(!method.starts_with("_acp-bridge/"), "an editor was told {method}");
        self.seen.push(message.clone());
        Some(message)
    }
}

impl Editor {
    /// Starts `acp-bridge attach` with these arguments. What it keeps on its own goes below `state`.
    pub fn start(state: &Path, args: &[&str]) -> Self {
        Self::spawn(command(state, args))
    }

    /// The same, and what it logs with `-v`, line by line.
    pub fn start_with_log(state: &Path, args: &[&str]) -> (Self, Receiver<String>) {
        let mut command = command(state, args);
        command.arg("-v").env_remove("ACP_BRIDGE_LOG").stderr(Stdio::piped());
        let mut editor = Self::spawn(command);
        let log = lines_of(editor.wire.child.stderr.take().expect("a pipe"));
        (editor, log)
    }

    /// The same as [`Self::start`] with a variable in its environment.
    pub fn start_with(state: &Path, (name, value): (&str, &str), args: &[&str]) -> Self {
        let mut command = command(state, args);
        command.env(name, value);
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().expect("start attach");
        let stdin = child.stdin.take();
        let lines = lines_of(child.stdout.take().expect("a pipe"));
        Self::over(Attach { child, stdin, lines, seen: Vec::new() })
    }

    pub fn pid(&self) -> u32 {
        self.wire.child.id()
    }

    pub fn initialize(&mut self) -> Value {
        self.call("initialize", &json!({ "protocolVersion": 1, "clientCapabilities": {} }))
    }

    /// The agent's next piece of text.
    pub fn chunk(&mut self) -> String {
        let message = self.wait_for("chunk", |m| is_chunk(m, "agent_message_chunk"));
        message["params"]["update"]["content"]["text"].as_str().unwrap_or_default().to_owned()
    }

    /// The next request of the agent.
    pub fn asked(&mut self) -> Value {
        self.wait_for("request", |m| m["method"] == "session/request_permission")
    }

    /// All text of that kind so far.
    pub fn text(&self, kind: &str) -> String {
        let chunks = self.wire.seen.iter().filter(|m| is_chunk(m, kind));
        chunks.filter_map(|m| m["params"]["update"]["content"]["text"].as_str()).collect()
    }

    /// How many messages of that method have come.
    pub fn count(&self, method: &str) -> usize {
        self.wire.seen.iter().filter(|m| m["method"] == method).count()
    }

    /// Closes stdin and waits for the end.
    pub fn close(mut self) -> ExitStatus {
        self.wire.stdin = None;
        self.exit()
    }

    pub fn terminate(mut self) -> ExitStatus {
        let status = Command::new("kill").arg(self.wire.child.id().to_string()).status().expect("run kill");
        assert!(status.success());
        self.exit()
    }

    pub fn exit(&mut self) -> ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.wire.child.try_wait().expect("wait for attach") {
                return status;
            }
            assert!(Instant::now() < deadline, "attach did not exit");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Attach {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(state: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-bridge"));
    command.arg("attach").args(args).env("XDG_STATE_HOME", state).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        BufReader::new(pipe).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    lines
}

fn is_chunk(message: &Value, kind: &str) -> bool {
    message["params"]["update"]["sessionUpdate"] == kind
}

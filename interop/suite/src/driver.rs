//! A client process: steps in, lines out.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::place::{Agent, Client};

/// How long any answer may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// A running client. It is gone when this is dropped, and so is the agent that it started.
#[derive(Debug)]
pub struct Driver {
    child: Child,
    steps: Option<ChildStdin>,
    lines: Receiver<Value>,
}

impl Driver {
    /// A client that starts the agent and talks to it over stdio; the agent keeps its sessions in `state`.
    pub fn stdio(client: Client, agent: Agent, state: &Path) -> Self {
        let mut arguments = vec!["--".to_owned()];
        arguments.extend(agent.command());
        Self::start(client, &arguments, state)
    }

    /// A client that talks to a server, at the URL that [`crate::Server::url`] gave.
    pub fn websocket(client: Client, url: &str) -> Self {
        Self::start(client, &[url.to_owned()], Path::new(""))
    }

    fn start(client: Client, arguments: &[String], state: &Path) -> Self {
        let command = client.command();
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .args(arguments)
            .env("AGENT_STATE", state)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
        let stdout = child.stdout.take().expect("stdout is piped");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or_else(|_| json!({ "not_json": line }));
                if sender.send(value).is_err() {
                    break;
                }
            }
        });
        Self { steps: child.stdin.take(), child, lines }
    }

    /// Gives it something to do.
    pub fn step(&mut self, step: &Value) {
        let steps = self.steps.as_mut().expect("open until dropped");
        writeln!(steps, "{step}").expect("the client takes steps");
    }

    /// The next line.
    pub fn line(&mut self) -> Value {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => panic!("the client was silent for {DEADLINE:?}"),
            Err(RecvTimeoutError::Disconnected) => panic!("the client exited"),
        }
    }

    /// Sends a request and waits: what came before the answer, and the answer.
    pub fn request(&mut self, method: &str, params: Value) -> (Vec<Value>, Result<Value, Value>) {
        self.step(&json!({ "request": method, "params": params }));
        self.answer(method)
    }

    /// Sends a request and does not wait.
    pub fn start_request(&mut self, method: &str, params: Value) {
        self.step(&json!({ "start": method, "params": params }));
    }

    /// What came before the answer to a request, and the answer.
    pub fn answer(&mut self, method: &str) -> (Vec<Value>, Result<Value, Value>) {
        let mut before = Vec::new();
        loop {
            let line = self.line();
            if line["method"] != method {
                before.push(line);
            } else if line["error"].is_null() {
                return (before, Ok(line["result"].clone()));
            } else {
                return (before, Err(line["error"].clone()));
            }
        }
    }

    /// The result of a request that must succeed.
    pub fn result(&mut self, method: &str, params: Value) -> Value {
        let (_, outcome) = self.request(method, params);
        outcome.unwrap_or_else(|error| panic!("{method}: {error}"))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The end of its stdin ends it and its agent; KILL is for one that does not listen.
        self.steps = None;
        let deadline = std::time::Instant::now() + Duration::from_secs(5);
        while matches!(self.child.try_wait(), Ok(None)) && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

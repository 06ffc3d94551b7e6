//! Servers that clients reach over WebSocket.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::place::{Agent, bridge, peer};

/// A running server. It is gone when this is dropped, and so are its agents.
#[derive(Debug)]
pub struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// The official SDK's WebSocket transport in front of an agent.
    pub fn official(agent: Agent, state: &Path) -> Self {
        let mut command = Command::new(peer("official-ws-server"));
        command.args(agent.command());
        Self::start(command, state)
    }

    /// Our agent, serving WebSocket itself.
    pub fn ours(state: &Path) -> Self {
        let mut command = Command::new(peer("our-agent"));
        command.arg("--listen");
        Self::start(command, state)
    }

    /// The bridge in front of an agent, with its log in `state`.
    pub fn bridge(agent: Agent, state: &Path) -> Self {
        let mut command = Command::new(bridge());
        command.args(["serve", "--listen", ":0", "--json", "--cancel-grace", "2s", "--log"]);
        command.arg(format!("sqlite:{}", state.join("bridge.db").display())).arg("--").args(agent.command());
        Self::start(command, state)
    }

    fn start(mut command: Command, state: &Path) -> Self {
        let mut child = command
            .env("AGENT_STATE", state.join("agent"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line on stdout");
        let announced: Value = serde_json::from_str(&line).expect("one JSON line that says where it listens");
        let url = announced["url"].as_str().expect("a url");
        let url = format!("{}/acp", url.replacen("http", "ws", 1));
        Self { child, url }
    }

    /// Where clients connect.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let deadline = Instant::now() + Duration::from_secs(10);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

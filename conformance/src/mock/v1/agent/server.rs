//! One MCP server of a session.

mod remote;

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::mock::breaks::Breaks;
use remote::Remote;

/// A server of a session.
pub(super) enum Server {
    Local(Box<Local>),
    Remote(Remote),
}

impl Server {
    pub(super) async fn start(entry: &Value, breaks: &Breaks) -> std::io::Result<Self> {
        match entry["type"].as_str() {
            Some(kind) => {
                let check = if kind == "sse" { "SESS-11/a" } else { "SESS-11" };
                Remote::start(entry, !breaks.has(check)).await.map(Self::Remote)
            }
            None => Local::start(entry, !breaks.has("SESS-09")).await.map(|server| Self::Local(Box::new(server))),
        }
    }

    pub(super) async fn ask(&mut self, method: &str, params: Value) -> std::io::Result<Value> {
        match self {
            Self::Local(server) => server.ask(method, params).await,
            Self::Remote(server) => server.ask(method, params).await,
        }
    }
}

/// A server that was started; it ends when it is dropped.
pub(super) struct Local {
    /// Its end of input is its end.
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    /// Reaped by the runtime.
    _child: Child,
}

impl Local {
    async fn start(entry: &Value, with_env: bool) -> std::io::Result<Self> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut command = Command::new(text(&entry["command"]));
        command.args(entry["args"].as_array().into_iter().flatten().map(text));
        for pair in entry["env"].as_array().into_iter().flatten().filter(|_| with_env) {
            command.env(text(&pair["name"]), text(&pair["value"]));
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        };
        let mut server = Self { input, output: BufReader::new(output).lines(), _child: child };
        server.ask("initialize", json!({ "protocolVersion": "2025-06-18", "capabilities": {} })).await?;
        Ok(server)
    }

    /// Asks and takes the next line for the answer: the stub says nothing else.
    async fn ask(&mut self, method: &str, params: Value) -> std::io::Result<Value> {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.input.write_all(format!("{message}\n").as_bytes()).await?;
        let line = self.output.next_line().await?.unwrap_or_default();
        let answer: Value = acp_server::types::json::from_str(&line)?;
        Ok(answer["result"].clone())
    }
}

//! A client of version 2 of the protocol that connects, makes a session, sends one prompt and waits until the session is
//! idle again, by hand over lines, so that it can also do what no library would.

use std::future::pending;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::core::link::Link;
use crate::mock::answers::no_method;
use crate::mock::breaks::Breaks;
use crate::mock::lines::{Output, Peer, each_line, linked};

/// Every check that it can be made to fail, with the others that the same fault makes fail or warn because they are about
/// the same thing.
pub(in crate::mock) const BREAKS: &[(&str, &[&str])] = &[
    ("RPC-01", &["TRANSPORT-stdio-04"]),
    ("RPC-03", &["RPC-09"]),
    ("RPC-09", &[]),
    ("TRANSPORT-stdio-04", &[]),
    ("INIT-01", &[]),
    ("V2-01", &["RPC-09"]),
    ("V2-03", &[]),
    ("V2-20", &[]),
    ("V2-21", &[]),
    ("V2-23", &[]),
];

/// A link to a new client of version 2 in this process. It ends when the link is dropped.
#[must_use]
pub fn v2_client_inside(breaks: Breaks) -> Link {
    let (link, task) = linked(|input, output| async move {
        // An agent that is gone needs nothing more.
        let _ = Client::new(output, breaks).run(input).await;
    });
    link.with_task(task)
}

/// Starts the agent and is its client of version 2 until its one turn has ended.
///
/// # Errors
/// When there is no agent in the command line, or it cannot be started or spoken to.
pub async fn v2_client_of(command: &[String], breaks: Breaks) -> std::io::Result<()> {
    let Some((program, args)) = command.split_first() else {
        return Err(std::io::Error::other("there is no agent to start; put its command line behind --"));
    };
    let mut agent = tokio::process::Command::new(program);
    agent.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut agent = agent.spawn()?;
    let (Some(output), Some(input)) = (agent.stdin.take(), agent.stdout.take()) else { return Ok(()) };
    Client::new(output, breaks).run(input).await?;
    agent.wait().await.map(drop)
}

/// Requests of the client, by their ids.
mod id {
    pub(super) const INITIALIZE: u64 = 1;
    pub(super) const NEW: u64 = 2;
    pub(super) const PROMPT: u64 = 3;
    pub(super) const CLOSE: u64 = 4;
}

struct Client {
    output: Output,
    breaks: Breaks,
    /// Its session, once there is one.
    session: String,
    /// True if the session's work has begun.
    running: bool,
}

impl Peer for Client {
    async fn take(&mut self, line: &str) -> std::io::Result<bool> {
        let Ok(message) = acp_server::types::json::from_str::<Value>(line) else { return Ok(true) };
        match (message["method"].as_str(), message.get("id")) {
            (Some(method), Some(id)) => self.serve(id, method, &message["params"]).await?,
            (Some(_), None) => self.told(&message["params"]).await?,
            (None, Some(_)) if message["result"].is_null() => return Ok(false),
            (None, Some(answered)) => match answered.as_u64() {
                Some(id::INITIALIZE) if message["result"]["protocolVersion"] == 2 => {
                    self.begin(&message["result"]["capabilities"]).await?;
                }
                Some(id::NEW) => {
                    message["result"]["sessionId"].as_str().unwrap_or_default().clone_into(&mut self.session);
                    self.prompt().await?;
                }
                Some(id::INITIALIZE | id::CLOSE) => return Ok(false),
                _ => {}
            },
            (None, None) => {}
        }
        Ok(true)
    }
}

impl Client {
    fn new(output: impl AsyncWrite + Send + 'static, breaks: Breaks) -> Self {
        Self { output: Output::new(output), breaks, session: String::new(), running: false }
    }

    /// Until the session is closed or the agent is gone.
    async fn run(mut self, input: impl AsyncRead + Unpin + Send) -> std::io::Result<()> {
        if self.breaks.has("TRANSPORT-stdio-04") {
            self.output.raw(b"mock client is ready\n").await?;
        }
        if self.breaks.has("RPC-01") {
            self.send(&json!({ "id": 0, "done": true })).await?;
        }
        self.ask(id::INITIALIZE, "initialize", self.introduction()).await?;
        if self.breaks.has("INIT-01") {
            self.ask(9, "session/list", json!({})).await?;
        }
        let breaks = self.breaks.clone();
        each_line(input, &breaks, &mut self, pending()).await.map(drop)
    }

    fn introduction(&self) -> Value {
        let info = json!({ "name": "acp-conformance-mock", "version": env!("CARGO_PKG_VERSION") });
        let name = if self.breaks.has("V2-01") { "clientInfo" } else { "info" };
        let mut params = json!({ "protocolVersion": 2, "capabilities": {} });
        params[name] = info;
        params
    }

    async fn begin(&self, agent: &Value) -> std::io::Result<()> {
        if self.breaks.has("V2-03") {
            self.ask(8, "auth/login", json!({ "methodId": "key" })).await?;
        }
        let server = json!({ "type": "stdio", "name": "none", "command": "/dev/null/server" });
        let takes = agent["session"]["mcp"]["stdio"].is_object() || self.breaks.has("V2-21");
        let servers: Vec<Value> = takes.then_some(server).into_iter().collect();
        let cwd = std::env::temp_dir();
        let cwd = if self.breaks.has("RPC-09") { json!(7) } else { json!(cwd) };
        self.ask(id::NEW, "session/new", json!({ "cwd": cwd, "mcpServers": servers })).await
    }

    async fn prompt(&self) -> std::io::Result<()> {
        let mut block = json!({ "type": "text", "text": "hello" });
        if self.breaks.has("V2-20") {
            block["type"] = json!("poem");
        }
        let params = json!({ "sessionId": self.session, "prompt": [block] });
        if self.breaks.has("V2-23") {
            // In one write: once the prompt was answered its id may be used again.
            let request = |method: &str, params: &Value| json!({ "jsonrpc": "2.0", "id": id::PROMPT, "method": method, "params": params });
            let both = format!("{}\n{}\n", request("session/prompt", &params), request("session/list", &json!({})));
            return self.output.raw(both.as_bytes()).await;
        }
        self.ask(id::PROMPT, "session/prompt", params).await
    }

    /// An update: work that has begun ends with the session idle.
    async fn told(&mut self, params: &Value) -> std::io::Result<()> {
        match params["update"]["state"].as_str() {
            Some("idle") if self.running => {
                self.running = false;
                self.ask(id::CLOSE, "session/close", json!({ "sessionId": self.session })).await
            }
            Some("running") => {
                self.running = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn serve(&self, id: &Value, method: &str, params: &Value) -> std::io::Result<()> {
        let mut answer = json!({ "jsonrpc": "2.0", "id": id });
        match method {
            "session/request_permission" if self.breaks.has("RPC-03") => {
                answer["error"] = json!({ "code": -32603, "message": 7 });
            }
            "session/request_permission" => {
                let option = &params["options"][0]["optionId"];
                answer["result"] = json!({ "outcome": { "outcome": "selected", "optionId": option } });
            }
            _ => answer["error"] = no_method(),
        }
        self.send(&answer).await
    }

    async fn ask(&self, id: u64, method: &str, params: Value) -> std::io::Result<()> {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await
    }

    async fn send(&self, message: &Value) -> std::io::Result<()> {
        self.output.send(message).await
    }
}

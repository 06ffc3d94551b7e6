//! A client of version 2 of the protocol that connects, makes a session, sends one prompt and waits until the session is
//! idle again, by hand over lines, so that it can also do what no library would.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};

use super::Breaks;
use crate::core::link::Link;

/// Held between the two ends, in bytes, in each direction.
const PIPE: usize = 256 * 1024;

/// Every check that it can be made to fail, with the others that the same fault makes fail or warn because they are about
/// the same thing.
pub(crate) const BREAKS: &[(&str, &[&str])] = &[
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
pub fn client2_inside(breaks: Breaks) -> Link {
    let (near, far) = tokio::io::duplex(PIPE);
    let (source, sink) = tokio::io::split(near);
    let (input, output) = tokio::io::split(far);
    let task = tokio::spawn(async move {
        // An agent that is gone needs nothing more.
        let _ = Client { output, breaks, running: false }.run(input).await;
    });
    Link::over(source, sink).with_task(task)
}

/// Starts the agent and is its client of version 2 until its one turn has ended.
///
/// # Errors
/// When there is no agent in the command line, or it cannot be started or spoken to.
pub async fn client2_of(command: &[String], breaks: Breaks) -> std::io::Result<()> {
    let Some((program, args)) = command.split_first() else {
        return Err(std::io::Error::other("there is no agent to start; put its command line behind --"));
    };
    let mut agent = tokio::process::Command::new(program);
    agent.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut agent = agent.spawn()?;
    let (Some(output), Some(input)) = (agent.stdin.take(), agent.stdout.take()) else { return Ok(()) };
    Client { output, breaks, running: false }.run(input).await?;
    agent.wait().await.map(drop)
}

/// Requests of the client, by their ids.
mod id {
    pub(super) const INITIALIZE: u64 = 1;
    pub(super) const NEW: u64 = 2;
    pub(super) const PROMPT: u64 = 3;
    pub(super) const CLOSE: u64 = 4;
}

struct Client<O> {
    output: O,
    breaks: Breaks,
    /// Whether the session's work has begun.
    running: bool,
}

impl<O: AsyncWrite + Unpin> Client<O> {
    /// Until the session is closed or the agent is gone.
    async fn run(mut self, input: impl AsyncRead + Unpin) -> std::io::Result<()> {
        if self.breaks.has("TRANSPORT-stdio-04") {
            self.output.write_all(b"mock client is ready\n").await?;
        }
        if self.breaks.has("RPC-01") {
            self.send(&json!({ "id": 0, "done": true })).await?;
        }
        self.ask(id::INITIALIZE, "initialize", self.introduction()).await?;
        if self.breaks.has("INIT-01") {
            self.ask(9, "session/list", json!({})).await?;
        }
        let mut lines = BufReader::new(input).lines();
        let mut session = String::new();
        while let Some(line) = lines.next_line().await? {
            let Ok(message) = acp_server::types::json::from_str::<Value>(&line) else { continue };
            match (message["method"].as_str(), message.get("id")) {
                (Some(method), Some(id)) => self.serve(id, method, &message["params"]).await?,
                (Some(_), None) => self.told(&message["params"], &session).await?,
                (None, Some(answered)) => {
                    if message["result"].is_null() {
                        return Ok(());
                    }
                    match answered.as_u64() {
                        Some(id::INITIALIZE) if message["result"]["protocolVersion"] == 2 => {
                            self.begin(&message["result"]["capabilities"]).await?;
                        }
                        Some(id::NEW) => {
                            message["result"]["sessionId"].as_str().unwrap_or_default().clone_into(&mut session);
                            self.prompt(&session).await?;
                        }
                        Some(id::INITIALIZE | id::CLOSE) => return Ok(()),
                        _ => {}
                    }
                }
                (None, None) => {}
            }
        }
        Ok(())
    }

    fn introduction(&self) -> Value {
        let info = json!({ "name": "acp-conformance-mock", "version": env!("CARGO_PKG_VERSION") });
        let name = if self.breaks.has("V2-01") { "clientInfo" } else { "info" };
        let mut params = json!({ "protocolVersion": 2, "capabilities": {} });
        params[name] = info;
        params
    }

    async fn begin(&mut self, agent: &Value) -> std::io::Result<()> {
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

    async fn prompt(&mut self, session: &str) -> std::io::Result<()> {
        let mut block = json!({ "type": "text", "text": "hello" });
        if self.breaks.has("V2-20") {
            block["type"] = json!("poem");
        }
        let params = json!({ "sessionId": session, "prompt": [block] });
        if self.breaks.has("V2-23") {
            // In one write: once the prompt was answered its id may be used again.
            let request = |method: &str, params: &Value| json!({ "jsonrpc": "2.0", "id": id::PROMPT, "method": method, "params": params });
            let both = format!("{}\n{}\n", request("session/prompt", &params), request("session/list", &json!({})));
            self.output.write_all(both.as_bytes()).await?;
            return self.output.flush().await;
        }
        self.ask(id::PROMPT, "session/prompt", params).await
    }

    /// An update: work that has begun ends with the session idle.
    async fn told(&mut self, params: &Value, session: &str) -> std::io::Result<()> {
        match params["update"]["state"].as_str() {
            Some("idle") if self.running => {
                self.running = false;
                self.ask(id::CLOSE, "session/close", json!({ "sessionId": session })).await
            }
            Some("running") => {
                self.running = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn serve(&mut self, id: &Value, method: &str, params: &Value) -> std::io::Result<()> {
        let mut answer = json!({ "jsonrpc": "2.0", "id": id });
        match method {
            "session/request_permission" if self.breaks.has("RPC-03") => {
                answer["error"] = json!({ "code": -32603, "message": 7 });
            }
            "session/request_permission" => {
                let option = &params["options"][0]["optionId"];
                answer["result"] = json!({ "outcome": { "outcome": "selected", "optionId": option } });
            }
            _ => answer["error"] = json!({ "code": -32601, "message": "Method not found" }),
        }
        self.send(&answer).await
    }

    async fn ask(&mut self, id: u64, method: &str, params: Value) -> std::io::Result<()> {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await
    }

    async fn send(&mut self, message: &Value) -> std::io::Result<()> {
        self.output.write_all(format!("{message}\n").as_bytes()).await?;
        self.output.flush().await
    }
}

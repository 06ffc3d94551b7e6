//! An agent that does what prompts tell it, by hand over lines, so that it can also do what no library would.

mod ask;
mod breaks;
mod children;
mod course;
mod drafts;
mod far;
mod initialize;
mod roots;
mod server;
mod servers;
mod services;
mod session;
mod sessions;
mod settings;
mod setup;
mod state;
mod store;
mod touch;
mod turn;
mod zoo;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

use crate::core::link::Link;
use crate::mock::answers::{RpcAnswer, error, invalid, lock, no_method};
use crate::mock::breaks::Breaks;
use crate::mock::lines::{Peer, each_line, linked};
use crate::prompts;
pub(in crate::mock) use breaks::BREAKS;
use state::Agent;
pub use store::Store;

/// A link to a new agent in this process, which knows the sessions of `store`. It ends when the link is dropped.
#[must_use]
pub fn inside(breaks: Breaks, store: Store) -> Link {
    linked(|input, output| serve(input, output, breaks, store)).0
}

/// Serves one client until its input ends.
pub async fn serve(
    input: impl AsyncRead + Unpin + Send + 'static,
    output: impl AsyncWrite + Send + 'static,
    breaks: Breaks,
    store: Store,
) {
    let agent = Agent::new(output, breaks, store);
    // A client that is gone needs nothing more.
    let _ = run(&agent, input).await;
}

async fn run(agent: &Arc<Agent>, input: impl AsyncRead + Unpin + Send) -> std::io::Result<()> {
    if agent.breaks.has("TRANSPORT-stdio-03") {
        agent.raw(b"mock agent is ready\n").await?;
    }
    if agent.breaks.has("TRANSPORT-stdio-01") {
        agent.raw(b"\xff\xfe\n").await?;
    }
    if agent.breaks.has("TRANSPORT-stdio-02") {
        let note = json!({ "jsonrpc": "2.0", "method": "_mock/note" });
        agent.raw(format!("{note} {note}\n").as_bytes()).await?;
    }
    let mut serving = Serving { agent: Arc::clone(agent), turns: JoinSet::new() };
    let ended = each_line(input, &agent.breaks, &mut serving, agent.died.notified()).await?;
    if ended && agent.breaks.has("TRANSPORT-stdio-09") {
        pending::<()>().await;
    }
    Ok(())
}

/// An agent with its turns. Dropping it ends them.
struct Serving {
    agent: Arc<Agent>,
    turns: JoinSet<std::io::Result<()>>,
}

impl Peer for Serving {
    async fn take(&mut self, line: &str) -> std::io::Result<bool> {
        let agent = &self.agent;
        while self.turns.try_join_next().is_some() {}
        let Some(message) = agent.read(line).await? else { return Ok(true) };
        agent.got(line, &message);
        let Some(method) = message["method"].as_str() else {
            agent.answered(&message);
            return Ok(true);
        };
        let Some(id) = message.get("id").cloned() else {
            agent.notified(method, &message["params"]).await?;
            return Ok(true);
        };
        let params = message["params"].clone();
        // Takes the client's request for the answer to its own.
        if agent.breaks.has("RPC-07") && lock(&agent.asked).contains_key(&id.to_string()) {
            agent.answered(&message);
            return Ok(true);
        }
        if method == "session/prompt" {
            let agent = Arc::clone(agent);
            self.turns.spawn(async move {
                let outcome = agent.prompt(&params).await;
                agent.answer(&id, outcome).await
            });
            return Ok(true);
        }
        if agent.breaks.has("RPC-14") && method == "session/nonesuch" {
            agent.answer(&id, Err(no_method())).await?;
            return Ok(false);
        }
        let silent = [("EXT-06", "_conformance/ping"), ("RPC-13", "authenticate")];
        if silent.iter().any(|(id, of)| agent.breaks.has(id) && *of == method) {
            return Ok(true);
        }
        let outcome = agent.request(method, &params).await?;
        agent.answer(&id, outcome).await?;
        Ok(true)
    }
}

impl Agent {
    /// The message of a line; what is none is answered at once.
    async fn read(&self, line: &str) -> std::io::Result<Option<Value>> {
        let message = acp_server::types::json::from_str::<Value>(line);
        let breaks = &self.breaks;
        match message {
            Ok(Value::Object(object)) if object.contains_key("method") || object.contains_key("id") => {
                return Ok(Some(Value::Object(object)));
            }
            Ok(Value::Array(_)) if breaks.has("TRANSPORT-stdio-07") => {
                self.send(&json!({ "jsonrpc": "2.0", "id": null, "result": {} })).await?;
            }
            // Of arrays it knows what they are.
            Ok(Value::Array(_)) => self.output.refuse(true, &Breaks::default()).await?,
            other => self.output.refuse(other.is_ok(), breaks).await?,
        }
        Ok(None)
    }

    async fn notified(&self, method: &str, params: &Value) -> std::io::Result<()> {
        if self.breaks.has("RPC-04") {
            self.send(&json!({ "jsonrpc": "2.0", "id": null, "error": no_method() })).await?;
        }
        let scolds =
            [("CANCEL-14", "session/cancel"), ("CANCEL-16", "$/cancel_request"), ("EXT-08", "_conformance/note")];
        if scolds.iter().any(|(id, of)| self.breaks.has(id) && *of == method) {
            self.send(&json!({ "jsonrpc": "2.0", "id": null, "error": no_method() })).await?;
        }
        if method == "session/cancel" {
            self.cancel(params);
        }
        if method == "$/cancel_request" {
            self.taken_back(params);
        }
        if method == "$/cancel_request" && params["requestId"].is_u64() && self.breaks.has("CANCEL-17") {
            let message = json!({ "jsonrpc": "2.0", "id": params["requestId"], "error": error(-32603, "stopped") });
            self.send(&message).await?;
        }
        Ok(())
    }

    async fn answer(&self, id: &Value, outcome: RpcAnswer) -> std::io::Result<()> {
        self.output.answer(id, outcome, &self.breaks).await?;
        let late = std::mem::take(&mut *lock(&self.late));
        for message in late {
            self.send(&message).await?;
        }
        if self.breaks.has("RPC-01") {
            self.send(&json!({ "id": id, "done": true })).await?;
        }
        Ok(())
    }

    async fn request(&self, method: &str, params: &Value) -> std::io::Result<RpcAnswer> {
        if self.breaks.has("ERR-04") && method == "session/nonesuch" {
            return Ok(Ok(json!({})));
        }
        if self.breaks.has("EXT-07") && method == "_conformance/ping" {
            return Ok(Ok(json!({})));
        }
        Ok(match method {
            "initialize" => self.initialize(params),
            _ if !self.greeted.load(Ordering::Relaxed) && !self.breaks.has("ERR-08") => {
                Err(error(-32600, "Invalid Request: initialize comes first"))
            }
            "authenticate" if self.breaks.has("AUTH-09") => Ok(json!({})),
            "authenticate" if self.breaks.has("ERR-01") => Err(json!({ "code": "invalid", "message": "no" })),
            "authenticate" if self.breaks.has("ERR-03") => Err(error(-32050, "there is no such method")),
            "authenticate" if self.breaks.has("ERR-12") => Err(error(-32602, &"there is no such method. ".repeat(50))),
            "session/fork" if self.breaks.has("ERR-04/b") => Err(invalid("there is no such session")),
            "session/resume" if self.breaks.has("INIT-16") => Err(no_method()),
            "session/new" if self.breaks.has("EXT-02") && !params["_meta"].is_null() => Err(invalid("_meta")),
            "authenticate" => Err(invalid("there is no such method")),
            "session/new" if self.breaks.has("INIT-15") => Err(no_method()),
            "session/new" => self.new_session(params).await?,
            "session/load" => self.load(params).await?,
            "session/resume" => self.resume(params).await?,
            "session/list" => self.list(params),
            "session/close" => self.close(params).await,
            "session/delete" => self.delete(params),
            "session/set_mode" => self.set_mode(params),
            "session/set_config_option" => self.set_option(params),
            "session/options" => self.options(params).await?,
            "session/set_title" => self.set_title(params),
            "session/status" => self.status(params).await?,
            prompts::far::ECHO_METHOD => Ok(json!({ "echo": params })),
            _ => Err(no_method()),
        })
    }
}

//! An agent that does what prompts tell it, by hand over lines, so that it can also do what no library would.

mod ask;
mod far;
mod initialize;
mod roots;
mod servers;
mod services;
mod sessions;
mod settings;
mod store;
mod touch;
mod turn;
mod zoo;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

use super::Breaks;
use crate::core::link::Link;
use crate::words;
pub use store::Store;

/// Held between the two ends, in bytes, in each direction.
const PIPE: usize = 256 * 1024;

/// A link to a new agent in this process, which knows the sessions of `store`. It ends when the link is dropped.
#[must_use]
pub fn inside(breaks: Breaks, store: Store) -> Link {
    let (near, far) = tokio::io::duplex(PIPE);
    let (source, sink) = tokio::io::split(near);
    let (input, output) = tokio::io::split(far);
    tokio::spawn(serve(input, output, breaks, store));
    Link::over(source, sink)
}

/// Serves one client until its input ends.
pub async fn serve(
    input: impl AsyncRead + Unpin + Send + 'static,
    output: impl AsyncWrite + Send + 'static,
    breaks: Breaks,
    store: Store,
) {
    let agent = Arc::new(Agent {
        output: tokio::sync::Mutex::new(Box::pin(output)),
        breaks,
        store,
        here: Mutex::default(),
        asked: Mutex::default(),
        late: Mutex::default(),
        stale: Mutex::default(),
        forgotten: Mutex::default(),
        got: Mutex::default(),
        died: Notify::new(),
        client: Mutex::default(),
        greeted: AtomicBool::default(),
        latest: AtomicU64::default(),
        servers: tokio::sync::Mutex::default(),
    });
    // A client that is gone needs nothing more.
    let _ = run(&agent, input).await;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Agent {
    output: tokio::sync::Mutex<Pin<Box<dyn AsyncWrite + Send>>>,
    breaks: Breaks,
    store: Store,
    /// Sessions that are active on this connection, with their running turn's stop.
    here: Mutex<HashMap<String, Option<oneshot::Sender<()>>>>,
    /// Requests of ours that wait, by id as JSON.
    asked: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    /// Messages to be sent behind the next answer, which a good agent does not have.
    late: Mutex<Vec<Value>>,
    /// A cancel without a turn, which a good agent forgets.
    stale: Mutex<Option<()>>,
    /// Stops of turns that nobody will stop.
    forgotten: Mutex<Vec<oneshot::Sender<()>>>,
    /// What the client sent, for a suite that wants to know what came through.
    got: Mutex<Vec<Value>>,
    /// A turn has ended the agent.
    died: Notify,
    /// What the client can do.
    client: Mutex<Value>,
    /// Whether it was initialized.
    greeted: AtomicBool,
    /// The newest request of ours.
    latest: AtomicU64,
    /// MCP servers by session.
    servers: tokio::sync::Mutex<HashMap<String, Vec<servers::Server>>>,
}

type Outcome = Result<Value, Value>;

fn error(code: i64, message: &str) -> Value {
    json!({ "code": code, "message": message })
}

fn invalid(what: &str) -> Value {
    error(-32602, &format!("Invalid params: {what}"))
}

fn no_session(id: &str) -> Value {
    json!({ "code": -32002, "message": "Resource not found", "data": { "sessionId": id } })
}

async fn run(agent: &Arc<Agent>, input: impl AsyncRead + Unpin) -> std::io::Result<()> {
    let mut lines = BufReader::new(input).lines();
    // Dropping them ends the turns.
    let mut turns = JoinSet::new();
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
    loop {
        let line = tokio::select! {
            line = lines.next_line() => line?,
            () = agent.died.notified() => return Ok(()),
        };
        let Some(line) = line else { break };
        while turns.try_join_next().is_some() {}
        if agent.breaks.has("TRANSPORT-stdio-08") {
            // Takes what it read for one message.
            let reader = lines.get_mut();
            let more = reader.buffer().len();
            tokio::io::AsyncBufReadExt::consume(reader, more);
        }
        if agent.breaks.has("TRANSPORT-stdio-14") && line.len() > 512 * 1024 {
            return Ok(());
        }
        let Some(message) = agent.read(&line).await? else { continue };
        agent.got(&line, &message);
        let Some(method) = message["method"].as_str() else {
            agent.answered(&message);
            continue;
        };
        let Some(id) = message.get("id").cloned() else {
            agent.notified(method, &message["params"]).await?;
            continue;
        };
        let params = message["params"].clone();
        // Takes the client's request for the answer to its own.
        if agent.breaks.has("RPC-07") && lock(&agent.asked).contains_key(&id.to_string()) {
            agent.answered(&message);
            continue;
        }
        if method == "session/prompt" {
            let agent = Arc::clone(agent);
            turns.spawn(async move {
                let outcome = agent.prompt(&params).await;
                agent.answer(&id, outcome).await
            });
        } else {
            if agent.breaks.has("RPC-14") && method == "session/nonesuch" {
                agent.answer(&id, Err(error(-32601, "Method not found"))).await?;
                return Ok(());
            }
            let silent = [("EXT-06", "_conformance/ping"), ("RPC-13", "authenticate")];
            if silent.iter().any(|(id, of)| agent.breaks.has(id) && *of == method) {
                continue;
            }
            let outcome = agent.request(method, &params).await?;
            agent.answer(&id, outcome).await?;
        }
    }
    if agent.breaks.has("TRANSPORT-stdio-09") {
        std::future::pending::<()>().await;
    }
    Ok(())
}

impl Agent {
    async fn raw(&self, bytes: &[u8]) -> std::io::Result<()> {
        let mut output = self.output.lock().await;
        output.write_all(bytes).await?;
        output.flush().await
    }

    async fn send(&self, message: &Value) -> std::io::Result<()> {
        let mut line = message.to_string();
        line.push('\n');
        self.raw(line.as_bytes()).await
    }

    /// The message of a line; what is none is answered at once.
    async fn read(&self, line: &str) -> std::io::Result<Option<Value>> {
        let message = acp_server::types::json::from_str::<Value>(line);
        let lax = match &message {
            Ok(Value::Array(_)) => self.breaks.has("TRANSPORT-stdio-07"),
            Ok(Value::Object(object)) if object.contains_key("method") || object.contains_key("id") => {
                return Ok(message.ok());
            }
            _ => self.breaks.has("ERR-09"),
        };
        let answer = match (lax, message) {
            (true, _) => json!({ "jsonrpc": "2.0", "id": null, "result": {} }),
            (_, Ok(_)) => json!({ "jsonrpc": "2.0", "id": null, "error": error(-32600, "Invalid Request") }),
            (_, Err(_)) => json!({ "jsonrpc": "2.0", "id": null, "error": error(-32700, "Parse error") }),
        };
        self.send(&answer).await?;
        Ok(None)
    }

    async fn notified(&self, method: &str, params: &Value) -> std::io::Result<()> {
        if self.breaks.has("RPC-04") {
            self.send(&json!({ "jsonrpc": "2.0", "id": null, "error": error(-32601, "Method not found") })).await?;
        }
        let scolds =
            [("CANCEL-14", "session/cancel"), ("CANCEL-16", "$/cancel_request"), ("EXT-08", "_conformance/note")];
        if scolds.iter().any(|(id, of)| self.breaks.has(id) && *of == method) {
            self.send(&json!({ "jsonrpc": "2.0", "id": null, "error": error(-32601, "Method not found") })).await?;
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

    async fn answer(&self, id: &Value, outcome: Outcome) -> std::io::Result<()> {
        let mut message = json!({ "jsonrpc": "2.0", "id": id });
        match outcome {
            Ok(result) => message["result"] = result,
            Err(error) => message["error"] = error,
        }
        if self.breaks.has("RPC-02") && id.is_string() {
            message["id"] = json!(id.as_str().map(str::len));
        }
        if self.breaks.has("RPC-03") && message["error"]["code"] == -32601 {
            message["error"]["message"] = json!(7);
        }
        self.send(&message).await?;
        let late = std::mem::take(&mut *lock(&self.late));
        for message in late {
            self.send(&message).await?;
        }
        if self.breaks.has("RPC-05") {
            self.send(&message).await?;
        }
        if self.breaks.has("RPC-01") {
            self.send(&json!({ "id": id, "done": true })).await?;
        }
        Ok(())
    }

    async fn request(&self, method: &str, params: &Value) -> std::io::Result<Outcome> {
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
            "session/resume" if self.breaks.has("INIT-16") => Err(error(-32601, "Method not found")),
            "session/new" if self.breaks.has("EXT-02") && !params["_meta"].is_null() => Err(invalid("_meta")),
            "authenticate" => Err(invalid("there is no such method")),
            "session/new" if self.breaks.has("INIT-15") => Err(error(-32601, "Method not found")),
            "session/new" => self.new_session(params).await?,
            "session/load" => self.load(params).await?,
            "session/resume" => self.resume(params).await?,
            "session/list" => self.list(params),
            "session/close" => self.close(params).await,
            "session/delete" => self.delete(params),
            "session/set_mode" => self.set_mode(params),
            "session/set_config_option" => self.set_option(params),
            words::far::ECHO_METHOD => Ok(json!({ "echo": params })),
            _ => Err(error(-32601, "Method not found")),
        })
    }

    async fn update(&self, session: &str, update: Value) -> std::io::Result<()> {
        let params = json!({ "sessionId": session, "update": update });
        self.send(&json!({ "jsonrpc": "2.0", "method": "session/update", "params": params })).await
    }
}

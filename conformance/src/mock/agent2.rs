//! An agent of version 2 of the protocol that does what prompts tell it, by hand over lines, so that it can also do what
//! no library would.

mod ask;
mod breaks;
mod requests;
mod sessions;
mod turn;
mod work;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::Breaks;
use crate::core::link::Link;
pub(crate) use breaks::BREAKS;
use sessions::Session;

/// Held between the two ends, in bytes, in each direction.
const PIPE: usize = 256 * 1024;

/// A link to a new agent of version 2 in this process. It ends when the link is dropped.
#[must_use]
pub fn inside(breaks: Breaks) -> Link {
    let (near, far) = tokio::io::duplex(PIPE);
    let (source, sink) = tokio::io::split(near);
    let (input, output) = tokio::io::split(far);
    tokio::spawn(serve(input, output, breaks));
    Link::over(source, sink)
}

/// Serves one client until its input ends.
pub async fn serve(
    input: impl AsyncRead + Unpin + Send + 'static,
    output: impl AsyncWrite + Send + 'static,
    breaks: Breaks,
) {
    let agent = Arc::new(Agent {
        output: tokio::sync::Mutex::new(Box::pin(output)),
        breaks,
        sessions: Mutex::default(),
        asked: Mutex::default(),
        begun: AtomicBool::default(),
        counted: AtomicU64::default(),
        background: Mutex::default(),
    });
    // A client that is gone needs nothing more.
    let _ = run(&agent, input).await;
    lock(&agent.background).abort_all();
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Agent {
    output: tokio::sync::Mutex<Pin<Box<dyn AsyncWrite + Send>>>,
    breaks: Breaks,
    sessions: Mutex<HashMap<String, Session>>,
    /// Requests of ours that wait, by id.
    asked: Mutex<HashMap<u64, oneshot::Sender<Outcome>>>,
    /// Whether it was initialized.
    begun: AtomicBool,
    /// Ids that were given.
    counted: AtomicU64,
    /// Commands that go on when their turn is over.
    background: Mutex<JoinSet<()>>,
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
    let note = json!({ "jsonrpc": "2.0", "method": "_mock/note" });
    for (id, first) in [
        ("TRANSPORT-stdio-01", b"\xff\xfe\n".to_vec()),
        ("TRANSPORT-stdio-02", format!("{note} {note}\n").into_bytes()),
        ("TRANSPORT-stdio-03", b"mock agent is ready\n".to_vec()),
    ] {
        if agent.breaks.has(id) {
            agent.raw(&first).await?;
        }
    }
    let mut deaf = false;
    while let Some(line) = lines.next_line().await? {
        if deaf {
            continue;
        }
        while turns.try_join_next().is_some() || lock(&agent.background).try_join_next().is_some() {}
        let Ok(Value::Object(message)) = acp_server::types::json::from_str(&line) else {
            agent.send(&json!({ "jsonrpc": "2.0", "id": null, "error": error(-32600, "Invalid Request") })).await?;
            continue;
        };
        let message = Value::Object(message);
        let params = message["params"].clone();
        match (message.get("id").cloned(), message["method"].as_str()) {
            (_, None) => agent.answered(&message),
            (None, Some(method)) => {
                if method == "session/cancel" {
                    agent.stop(&params);
                }
                let scolds = agent.breaks.has("EXT-08") && method == "_conformance/note";
                if scolds || agent.breaks.has("RPC-04") {
                    let error = error(-32601, "Method not found");
                    agent.send(&json!({ "jsonrpc": "2.0", "id": null, "error": error })).await?;
                }
                deaf |= agent.breaks.has("RPC-14") && method.starts_with("$/");
            }
            (Some(id), Some("session/prompt")) => {
                let agent = Arc::clone(agent);
                turns.spawn(async move { agent.prompt(&id, &params).await });
            }
            (Some(id), Some(method)) => {
                let silent = [("RPC-13", "session/list"), ("EXT-06", "_conformance/ping")];
                if silent.iter().any(|(broken, of)| agent.breaks.has(broken) && *of == method) {
                    continue;
                }
                let outcome = agent.request(method, &params).await?;
                agent.answer(&id, outcome).await?;
                if agent.breaks.has("V2-27/b") && method == "session/close" {
                    let late = json!({ "sessionUpdate": "session_info_update", "title": "late" });
                    agent.update(params["sessionId"].as_str().unwrap_or_default(), late).await?;
                }
                if agent.breaks.has("V2-18/a") && method == "session/resume" && !params["replayFrom"].is_null() {
                    agent.replay(&params).await?;
                }
            }
        }
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
        if self.breaks.has("RPC-05") {
            self.send(&message).await?;
        }
        if self.breaks.has("RPC-01") {
            self.send(&json!({ "id": id, "done": true })).await?;
        }
        Ok(())
    }

    async fn update(&self, session: &str, update: Value) -> std::io::Result<()> {
        let params = json!({ "sessionId": session, "update": update });
        self.send(&json!({ "jsonrpc": "2.0", "method": "session/update", "params": params })).await
    }

    /// A new id for something of this kind.
    fn id(&self, kind: &str) -> String {
        format!("{kind}-{}", self.counted.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

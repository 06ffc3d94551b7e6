//! An agent of version 2 of the protocol that does what prompts tell it, by hand over lines, so that it can also do what
//! no library would.

mod ask;
mod breaks;
mod requests;
mod session;
mod sessions;
mod state;
mod turn;
mod work;

use std::future::pending;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

use crate::core::link::Link;
use crate::mock::answers::{invalid_request, lock, no_method};
use crate::mock::breaks::Breaks;
use crate::mock::lines::{Peer, each_line, linked};
pub(in crate::mock) use breaks::BREAKS;
use state::Agent;

/// A link to a new agent of version 2 in this process. It ends when the link is dropped.
#[must_use]
pub fn inside(breaks: Breaks) -> Link {
    linked(|input, output| serve(input, output, breaks)).0
}

/// Serves one client until its input ends.
pub async fn serve(
    input: impl AsyncRead + Unpin + Send + 'static,
    output: impl AsyncWrite + Send + 'static,
    breaks: Breaks,
) {
    let agent = Agent::new(output, breaks);
    // A client that is gone needs nothing more.
    let _ = run(&agent, input).await;
    lock(&agent.background).abort_all();
}

async fn run(agent: &Arc<Agent>, input: impl AsyncRead + Unpin + Send) -> std::io::Result<()> {
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
    let mut serving = Serving { agent: Arc::clone(agent), turns: JoinSet::new(), deaf: false };
    each_line(input, &agent.breaks, &mut serving, pending()).await.map(drop)
}

/// An agent with its turns. Dropping it ends them.
struct Serving {
    agent: Arc<Agent>,
    turns: JoinSet<std::io::Result<()>>,
    /// True if it reads and does nothing more, as no good agent does.
    deaf: bool,
}

impl Peer for Serving {
    async fn take(&mut self, line: &str) -> std::io::Result<bool> {
        if self.deaf {
            return Ok(true);
        }
        let agent = &self.agent;
        while self.turns.try_join_next().is_some() || lock(&agent.background).try_join_next().is_some() {}
        let Ok(Value::Object(message)) = acp_server::types::json::from_str(line) else {
            agent.send(&json!({ "jsonrpc": "2.0", "id": null, "error": invalid_request() })).await?;
            return Ok(true);
        };
        let message = Value::Object(message);
        let params = message["params"].clone();
        match (message.get("id").cloned(), message["method"].as_str()) {
            (_, None) => agent.answered(&message),
            (None, Some(method)) => {
                agent.notified(method, &params).await?;
                self.deaf |= agent.breaks.has("RPC-14") && method.starts_with("$/");
            }
            (Some(id), Some("session/prompt")) => {
                let agent = Arc::clone(agent);
                self.turns.spawn(async move { agent.prompt(&id, &params).await });
            }
            (Some(id), Some(method)) => agent.asked(&id, method, &params).await?,
        }
        Ok(true)
    }
}

impl Agent {
    async fn notified(&self, method: &str, params: &Value) -> std::io::Result<()> {
        if method == "session/cancel" {
            self.stop(params);
        }
        let scolds = self.breaks.has("EXT-08") && method == "_conformance/note";
        if scolds || self.breaks.has("RPC-04") {
            self.send(&json!({ "jsonrpc": "2.0", "id": null, "error": no_method() })).await?;
        }
        Ok(())
    }

    async fn asked(&self, id: &Value, method: &str, params: &Value) -> std::io::Result<()> {
        let silent = [("RPC-13", "session/list"), ("EXT-06", "_conformance/ping")];
        if silent.iter().any(|(broken, of)| self.breaks.has(broken) && *of == method) {
            return Ok(());
        }
        let outcome = self.request(method, params).await?;
        self.answer(id, outcome).await?;
        if self.breaks.has("V2-27/b") && method == "session/close" {
            let late = json!({ "sessionUpdate": "session_info_update", "title": "late" });
            self.update(params["sessionId"].as_str().unwrap_or_default(), late).await?;
        }
        if self.breaks.has("V2-18/a") && method == "session/resume" && !params["replayFrom"].is_null() {
            self.replay(params).await?;
        }
        Ok(())
    }
}

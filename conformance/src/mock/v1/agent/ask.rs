//! Requests of the agent to its client.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::state::Agent;
use crate::mock::answers::{RpcAnswer, lock};

/// Requests that may wait at once; the next takes the place of none and is not sent.
const MAX_ASKED: usize = 64;

impl Agent {
    /// Asks the client and waits for its answer; `None` when the client is gone.
    pub(super) async fn ask(&self, method: &str, params: Value) -> std::io::Result<Option<RpcAnswer>> {
        let Some((_, answer)) = self.open(method, params).await? else { return Ok(None) };
        Ok(answer.await.ok())
    }

    /// Asks the client and does not wait: the id on the wire, and what the answer will come by. `None` at the limit.
    pub(super) async fn open(
        &self,
        method: &str,
        params: Value,
    ) -> std::io::Result<Option<(Value, oneshot::Receiver<RpcAnswer>)>> {
        let id = {
            let asked = lock(&self.asked);
            (1..).find(|id: &u64| !asked.contains_key(&id.to_string())).unwrap_or(u64::MAX)
        };
        self.latest.store(id, Ordering::Relaxed);
        let sent = if self.breaks.has("RPC-06") { json!(id as f64 + 0.5) } else { json!(id) };
        let answer = self.open_as(sent.clone(), method, params).await?;
        Ok(answer.map(|answer| (sent, answer)))
    }

    /// The same under an id that is chosen.
    pub(super) async fn open_as(
        &self,
        id: Value,
        method: &str,
        params: Value,
    ) -> std::io::Result<Option<oneshot::Receiver<RpcAnswer>>> {
        let (sender, answer) = oneshot::channel();
        {
            let mut asked = lock(&self.asked);
            if asked.len() >= MAX_ASKED {
                return Ok(None);
            }
            asked.insert(id.to_string(), sender);
        }
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await?;
        Ok(Some(answer))
    }

    /// Takes the client's answer to one of them.
    pub(super) fn answered(&self, message: &Value) {
        let mut asked = lock(&self.asked);
        let mut id = message["id"].to_string();
        // Takes answers in the order of its questions.
        if self.breaks.has("RPC-08") {
            id = asked.keys().min().cloned().unwrap_or(id);
        }
        let Some(waiting) = asked.remove(&id) else { return };
        let outcome = match message.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(message["result"].clone()),
        };
        // The turn may have ended.
        let _ = waiting.send(outcome);
    }
}

//! Requests of the agent to its client.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{Agent, Outcome, lock};

/// Requests that may wait at once; the next takes the place of none and is not sent.
const MAX_ASKED: usize = 64;

impl Agent {
    /// Asks the client and waits for its answer; `None` when the client is gone.
    pub(super) async fn ask(&self, method: &str, params: Value) -> std::io::Result<Option<Outcome>> {
        let Some((_, answer)) = self.open(method, params).await? else { return Ok(None) };
        Ok(answer.await.ok())
    }

    /// Asks the client and does not wait: the id on the wire, and what the answer will come by. `None` at the limit.
    pub(super) async fn open(
        &self,
        method: &str,
        params: Value,
    ) -> std::io::Result<Option<(Value, oneshot::Receiver<Outcome>)>> {
        let (sender, answer) = oneshot::channel();
        let id = {
            let mut asked = lock(&self.asked);
            if asked.len() >= MAX_ASKED {
                return Ok(None);
            }
            let id = (1..).find(|id| !asked.contains_key(id)).unwrap_or(u64::MAX);
            asked.insert(id, sender);
            self.latest.store(id, Ordering::Relaxed);
            id
        };
        let sent = if self.breaks.has("RPC-06") { json!(id as f64 + 0.5) } else { json!(id) };
        self.send(&json!({ "jsonrpc": "2.0", "id": sent, "method": method, "params": params })).await?;
        Ok(Some((sent, answer)))
    }

    /// Takes the client's answer to one of them.
    pub(super) fn answered(&self, message: &Value) {
        let id = &message["id"];
        let Some(number) = id.as_u64().or_else(|| id.as_f64().map(|id| id as u64)) else { return };
        let mut asked = lock(&self.asked);
        // Takes answers in the order of its questions.
        let number = if self.breaks.has("RPC-08") { asked.keys().min().copied().unwrap_or(number) } else { number };
        let Some(waiting) = asked.remove(&number) else { return };
        let outcome = match message.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(message["result"].clone()),
        };
        // The turn may have ended.
        let _ = waiting.send(outcome);
    }
}

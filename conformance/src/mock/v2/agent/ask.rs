//! Requests of the agent to its client.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::state::Agent;
use crate::mock::answers::{RpcAnswer, lock};

/// Requests that may wait at once; the next takes the place of none and is not sent.
const MAX_ASKED: usize = 64;

impl Agent {
    /// Asks the client: what the answer will come by. `None` at the limit.
    pub(super) async fn ask(
        &self,
        method: &str,
        params: Value,
    ) -> std::io::Result<Option<oneshot::Receiver<RpcAnswer>>> {
        let (sender, answer) = oneshot::channel();
        let id = self.counted.fetch_add(1, Ordering::Relaxed) + 1;
        {
            let mut asked = lock(&self.asked);
            if asked.len() >= MAX_ASKED {
                return Ok(None);
            }
            asked.insert(id, sender);
        }
        let sent = if self.breaks.has("V2-23") { Value::Null } else { json!(id) };
        self.send(&json!({ "jsonrpc": "2.0", "id": sent, "method": method, "params": params })).await?;
        Ok(Some(answer))
    }

    /// Takes the client's answer to one of them; the answer to a request without an id is taken for the newest's.
    pub(super) fn answered(&self, message: &Value) {
        let mut asked = lock(&self.asked);
        let Some(id) = message["id"].as_u64().or_else(|| asked.keys().max().copied()) else { return };
        let Some(waiting) = asked.remove(&id) else { return };
        let outcome = match message.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(message["result"].clone()),
        };
        // The turn may have ended.
        let _ = waiting.send(outcome);
    }
}

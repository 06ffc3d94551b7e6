//! How long a stop takes to reach an agent that writes as fast as it can.

use serde_json::{Value, json};

use super::client::{Client, is_chunk};
use super::measure::now;

/// Chunks of a turn that are read before it is stopped, so that every queue on the way is as full as it gets.
const BEFORE: u64 = 5_000;

/// Stops `times` turns in full flow: microseconds from the client's cancel to the agent's reading it.
pub(crate) async fn run(url: &str, times: u64) -> anyhow::Result<Value> {
    let mut client = Client::connect(url).await?;
    let session = client.new_session().await?;
    let mut taken = Vec::new();
    for _ in 0..times {
        client.prompt(&session, "deluge").await?;
        client.read_updates(BEFORE).await?;
        let sent = now()?;
        client.notify("session/cancel", json!({ "sessionId": session })).await?;
        taken.push(stopped_at(&mut client).await?.saturating_sub(sent));
    }
    taken.sort_unstable();
    let at = |share: usize| taken.get(taken.len() * share / 100).copied();
    Ok(json!({ "p50_us": at(50), "p99_us": at(99), "max_us": taken.last() }))
}

/// Reads the rest of the turn; when its agent read the cancel.
async fn stopped_at(client: &mut Client) -> anyhow::Result<u64> {
    let mut stopped = None;
    loop {
        let text = client.read().await?;
        let last = is_chunk(&text) && text.windows(8).any(|window| window == b"stopped ");
        if !last && is_chunk(&text) {
            continue;
        }
        let message: Value = serde_json::from_slice(&text)?;
        if last {
            let said = message["params"]["update"]["content"]["text"].as_str().unwrap_or_default();
            stopped = said.strip_prefix("stopped ").and_then(|at| at.parse().ok());
        } else if message["result"]["stopReason"] == "cancelled" {
            return stopped.ok_or_else(|| anyhow::anyhow!("the agent did not say when it was stopped"));
        }
    }
}

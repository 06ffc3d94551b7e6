//! Whether what a client saw is there after `kill -9` of the bridge.

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::client::{Client, is_chunk};

/// Reads a turn of `updates` and kills the process `pid` the moment that its end has been delivered.
pub(crate) async fn run(url: &str, updates: u64, pid: u64) -> anyhow::Result<Value> {
    let pid = Pid::from_raw(i32::try_from(pid)?).context("no process id")?;
    let mut client = Client::connect(url).await?;
    let session = client.new_session().await?;
    let id = client.prompt(&session, &format!("numbered {updates}")).await?;
    let mut seen = 0;
    loop {
        let text = client.read().await?;
        if is_chunk(&text) {
            seen += 1;
            continue;
        }
        let message: Value = serde_json::from_slice(&text)?;
        if message["id"] == id {
            kill_process(pid, Signal::KILL)?;
            return Ok(json!({ "session": session, "seen": seen, "answer": message["result"]["stopReason"] }));
        }
    }
}

/// Reads a session from its beginning: how many of the numbered chunks are there, and how its turn ended.
pub(crate) async fn survived(url: &str, session: &str) -> anyhow::Result<Value> {
    let mut client = Client::connect(url).await?;
    client
        .request(
            "session/resume",
            json!({ "sessionId": session, "cwd": "/", "mcpServers": [], "_meta": { "acp-bridge": { "after": 0 } } }),
        )
        .await?;
    let (mut there, mut in_order, mut outcome) = (0u64, true, Value::Null);
    loop {
        let text = client.read().await?;
        let message: Value = serde_json::from_slice(&text)?;
        if is_chunk(&text) {
            there += 1;
            let said = message["params"]["update"]["content"]["text"].as_str().unwrap_or_default();
            in_order &= said.trim().parse() == Ok(there);
        } else if message["method"] == "_acp-bridge/turn_ended" {
            outcome = message["params"]["outcome"].clone();
        } else if message["method"] == "_acp-bridge/caught_up" {
            return Ok(json!({ "there": there, "in_order": in_order, "outcome": outcome }));
        }
    }
}

//! What it takes to attach to a session with a long history.

use std::time::Instant;

use anyhow::Context;
use serde_json::{Value, json};

use super::client::{Client, is_chunk};
use super::measure::resident;

/// How often somebody attaches while nobody else is there.
const ALONE: u64 = 50;

/// Makes a session of so many `turns` of so many `updates`, then attaches `clients` to its end, one after the other: how
/// long each waits for the answer, and the bytes that each adds to the process `pid`. Then the same with nobody else there.
pub(crate) async fn run(url: &str, turns: u64, updates: u64, clients: u64, pid: u64) -> anyhow::Result<Value> {
    let mut writer = Client::connect(url).await?;
    let session = writer.new_session().await?;
    let mut records = 0;
    for _ in 0..turns {
        let answer = writer.run(&session, &format!("flood {updates}")).await?;
        records = answer["_meta"]["acp-bridge"]["seq"].as_u64().context("the turn's end has no seq")?;
    }
    let mut crowd = Vec::new();
    for _ in 0..clients {
        crowd.push(Client::connect(url).await?);
    }
    let before = resident(pid)?;
    let mut beside = Vec::new();
    for client in &mut crowd {
        beside.push(timed(client, &session).await?);
    }
    let grown = resident(pid)?.saturating_sub(before);
    for client in crowd.iter_mut().chain([&mut writer]) {
        client.detach(&session).await?;
    }
    let mut alone = Vec::new();
    for _ in 0..ALONE {
        alone.push(timed(&mut writer, &session).await?);
        writer.detach(&session).await?;
    }
    let at = |times: &mut Vec<u64>, share: usize| {
        times.sort_unstable();
        times.get(times.len() * share / 100).copied()
    };
    Ok(json!({
        "records": records,
        "p50_us": at(&mut beside, 50),
        "p99_us": at(&mut beside, 99),
        "alone_p50_us": at(&mut alone, 50),
        "client_bytes": grown / clients.max(1),
    }))
}

/// Microseconds until a resume is answered.
async fn timed(client: &mut Client, session: &str) -> anyhow::Result<u64> {
    let start = Instant::now();
    client.resume(session, None).await?;
    Ok(u64::try_from(start.elapsed().as_micros())?)
}

impl Client {
    /// Sends a prompt and reads to its answer.
    async fn run(&mut self, session: &str, text: &str) -> anyhow::Result<Value> {
        let id = self.prompt(session, text).await?;
        loop {
            let text = self.read().await?;
            if is_chunk(&text) {
                continue;
            }
            let message: Value = serde_json::from_slice(&text)?;
            if message["id"] == id && message["method"].is_null() {
                return Ok(message["result"].clone());
            }
        }
    }

    async fn detach(&mut self, session: &str) -> anyhow::Result<()> {
        self.call("session/detach", json!({ "sessionId": session })).await?;
        Ok(())
    }
}

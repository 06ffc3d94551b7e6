//! How fast updates get through, and what a client costs that does not read.

use std::time::Instant;

use anyhow::Context;
use serde_json::{Value, json};

use super::client::{Client, is_chunk};
use super::measure::{now, resident};

/// How fast `updates` of one turn reach each of `clients`: deliveries per second over all of them.
pub(crate) async fn throughput(url: &str, updates: u64, clients: u64) -> anyhow::Result<Value> {
    let mut first = Client::connect(url).await?;
    let session = first.new_session().await?;
    let mut others = Vec::new();
    for _ in 1..clients {
        let mut other = Client::connect(url).await?;
        other.resume(&session, None).await?;
        others.push(other);
    }
    let start = Instant::now();
    first.prompt(&session, &format!("flood {updates}")).await?;
    let readers: Vec<_> =
        others.into_iter().map(|mut other| tokio::spawn(async move { other.read_updates(updates).await })).collect();
    first.read_updates(updates).await?;
    for reader in readers {
        reader.await??;
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(
        json!({ "deliveries": updates * clients, "seconds": seconds, "per_second": (updates * clients) as f64 / seconds }),
    )
}

/// How long an update takes from the agent to the client: microseconds.
pub(crate) async fn latency(url: &str, updates: u64, rate: u64) -> anyhow::Result<Value> {
    let mut client = Client::connect(url).await?;
    let session = client.new_session().await?;
    client.prompt(&session, &format!("stamp {updates} {rate}")).await?;
    let mut taken = Vec::new();
    while (taken.len() as u64) < updates {
        let text = client.read().await?;
        if !is_chunk(&text) {
            continue;
        }
        let now = now()?;
        let update: Value = serde_json::from_slice(&text)?;
        let sent: u64 = update["params"]["update"]["content"]["text"].as_str().context("a stamp")?.trim().parse()?;
        taken.push(now.saturating_sub(sent));
    }
    taken.sort_unstable();
    let at = |share: usize| taken.get(taken.len() * share / 100).copied();
    Ok(json!({ "p50_us": at(50), "p99_us": at(99) }))
}

/// What a client that does not read costs the server with process id `pid`, and whether it gets everything after.
pub(crate) async fn stalled(url: &str, updates: u64, pid: u64) -> anyhow::Result<Value> {
    const SLICE: u64 = 100_000;
    let mut reading = Client::connect(url).await?;
    let session = reading.new_session().await?;
    // The server's caches fill with the first turn; what the stalled reader costs is what comes on top.
    reading.prompt(&session, &format!("flood {SLICE}")).await?;
    reading.read_updates(SLICE).await?;
    let mut stalled = Client::connect(url).await?;
    stalled.resume(&session, None).await?;
    let before = resident(pid)?;
    let mut most = before;
    for _ in 0..updates.div_ceil(SLICE) {
        reading.prompt(&session, &format!("flood {SLICE}")).await?;
        reading.read_updates(SLICE).await?;
        most = most.max(resident(pid)?);
    }
    let start = Instant::now();
    let missed = updates.div_ceil(SLICE) * SLICE;
    stalled.read_updates(missed).await?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(json!({ "missed": missed, "grown_bytes": most.saturating_sub(before), "caught_up_seconds": seconds }))
}

/// How fast a log of `updates` is read from its beginning: records per second.
pub(crate) async fn replay(url: &str, updates: u64) -> anyhow::Result<Value> {
    let mut writer = Client::connect(url).await?;
    let session = writer.new_session().await?;
    writer.prompt(&session, &format!("flood {updates}")).await?;
    writer.read_updates(updates).await?;
    let mut reader = Client::connect(url).await?;
    let start = Instant::now();
    reader.resume(&session, Some(0)).await?;
    reader.read_updates(updates).await?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(json!({ "seconds": seconds, "per_second": updates as f64 / seconds }))
}

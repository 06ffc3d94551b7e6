//! A load client for `cargo xtask bench`: any ACP server over WebSocket, one JSON line of figures on stdout.
//!
//! ```text
//! load_client ws://127.0.0.1:PORT/acp throughput UPDATES CLIENTS
//! load_client ws://127.0.0.1:PORT/acp latency UPDATES PER_SECOND
//! load_client ws://127.0.0.1:PORT/acp stalled UPDATES PID
//! load_client ws://127.0.0.1:PORT/acp replay UPDATES
//! load_client ws://127.0.0.1:PORT/acp churn UPDATES CLIENTS DROPS
//! load_client ws://127.0.0.1:PORT/acp kill UPDATES PID
//! load_client ws://127.0.0.1:PORT/acp survived SESSION
//! load_client ws://127.0.0.1:PORT/acp crowd SESSIONS CLIENTS PID
//! load_client ws://127.0.0.1:PORT/acp cancel TIMES
//! ```
//!
//! The agent must take the prompts `flood N`, `numbered N` (each chunk holds its number), `deluge` (floods until it is
//! cancelled, then says when it was) and `stamp N PER_SECOND` (each chunk holds the time in microseconds).

mod cancel;
mod churn;
mod client;
mod crowd;
mod kill;

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use client::{Client, is_chunk};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the figures are its result")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let word = |at: usize| arguments.get(at).map(String::as_str).context("see the top of the file for the arguments");
    let number = |at: usize| -> anyhow::Result<u64> { Ok(word(at)?.parse()?) };
    let url = word(0)?;
    let figures = match word(1)? {
        "throughput" => throughput(url, number(2)?, number(3)?).await?,
        "latency" => latency(url, number(2)?, number(3)?).await?,
        "stalled" => stalled(url, number(2)?, number(3)?).await?,
        "replay" => replay(url, number(2)?).await?,
        "churn" => churn::run(url, number(2)?, number(3)?, number(4)?).await?,
        "kill" => kill::run(url, number(2)?, number(3)?).await?,
        "survived" => kill::survived(url, word(2)?).await?,
        "crowd" => crowd::run(url, number(2)?, number(3)?, number(4)?).await?,
        "cancel" => cancel::run(url, number(2)?).await?,
        other => bail!("{other} is no measurement"),
    };
    println!("{figures}");
    Ok(())
}

/// How fast `updates` of one turn reach each of `clients`: deliveries per second over all of them.
async fn throughput(url: &str, updates: u64, clients: u64) -> anyhow::Result<Value> {
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
async fn latency(url: &str, updates: u64, rate: u64) -> anyhow::Result<Value> {
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
async fn stalled(url: &str, updates: u64, pid: u64) -> anyhow::Result<Value> {
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
async fn replay(url: &str, updates: u64) -> anyhow::Result<Value> {
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

/// Microseconds since the Unix epoch.
fn now() -> anyhow::Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?)
}

fn resident(pid: u64) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("VmRSS")?;
    Ok(line.split_whitespace().nth(1).context("a number")?.parse::<u64>()? * 1024)
}

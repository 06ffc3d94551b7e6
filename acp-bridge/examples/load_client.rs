//! A load client for `cargo xtask bench`: any ACP server over WebSocket, one JSON line of figures on stdout.
//!
//! ```text
//! load_client ws://127.0.0.1:PORT/acp throughput UPDATES CLIENTS
//! load_client ws://127.0.0.1:PORT/acp latency UPDATES PER_SECOND
//! load_client ws://127.0.0.1:PORT/acp stalled UPDATES PID
//! load_client ws://127.0.0.1:PORT/acp replay UPDATES
//! ```
//!
//! The agent must take the prompts `flood N` and `stamp N PER_SECOND` (each chunk holds the time in microseconds).

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const UPDATE: &[u8] = b"agent_message_chunk";

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
        if !contains(&text, UPDATE) {
            continue;
        }
        let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?;
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

fn resident(pid: u64) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("VmRSS")?;
    Ok(line.split_whitespace().nth(1).context("a number")?.parse::<u64>()? * 1024)
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}

struct Client {
    socket: Socket,
    next_id: u64,
    /// Updates that came before the answer to a request.
    early: u64,
}

impl Client {
    async fn connect(url: &str) -> anyhow::Result<Self> {
        let (socket, _) = tokio_tungstenite::connect_async(url).await?;
        let mut client = Self { socket, next_id: 0, early: 0 };
        client.call("initialize", json!({ "protocolVersion": 1, "clientCapabilities": {} })).await?;
        Ok(client)
    }

    async fn request(&mut self, method: &str, params: Value) -> anyhow::Result<u64> {
        self.next_id += 1;
        let text = json!({ "jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params }).to_string();
        self.socket.send(Message::text(text)).await?;
        Ok(self.next_id)
    }

    async fn call(&mut self, method: &str, params: Value) -> anyhow::Result<Value> {
        let id = self.request(method, params).await?;
        loop {
            let text = self.read().await?;
            if contains(&text, UPDATE) {
                self.early += 1;
                continue;
            }
            let message: Value = serde_json::from_slice(&text)?;
            if message["id"] == id && message["method"].is_null() {
                if !message["error"].is_null() {
                    bail!("{method}: {}", message["error"]);
                }
                return Ok(message["result"].clone());
            }
        }
    }

    async fn new_session(&mut self) -> anyhow::Result<String> {
        let made = self.call("session/new", json!({ "cwd": "/", "mcpServers": [] })).await?;
        Ok(made["sessionId"].as_str().context("a session id")?.to_owned())
    }

    async fn resume(&mut self, session: &str, after: Option<u64>) -> anyhow::Result<()> {
        let mut params = json!({ "sessionId": session, "cwd": "/", "mcpServers": [] });
        if let Some(after) = after {
            params["_meta"] = json!({ "acp-bridge": { "after": after } });
        }
        self.call("session/resume", params).await?;
        Ok(())
    }

    async fn prompt(&mut self, session: &str, text: &str) -> anyhow::Result<()> {
        let prompt = json!({ "sessionId": session, "prompt": [{ "type": "text", "text": text }] });
        self.request("session/prompt", prompt).await?;
        Ok(())
    }

    /// Reads until so many chunks of the agent have come.
    async fn read_updates(&mut self, updates: u64) -> anyhow::Result<()> {
        let mut read = std::mem::take(&mut self.early);
        while read < updates {
            if contains(&self.read().await?, UPDATE) {
                read += 1;
            }
        }
        Ok(())
    }

    async fn read(&mut self) -> anyhow::Result<tokio_tungstenite::tungstenite::Bytes> {
        loop {
            let message = tokio::time::timeout(Duration::from_secs(60), self.socket.next()).await;
            match message.context("nothing came for a minute")?.context("the connection ended")?? {
                Message::Text(text) => return Ok(text.into()),
                Message::Close(_) => bail!("the server closed the connection"),
                _ => {}
            }
        }
    }
}

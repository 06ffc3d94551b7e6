//! The agent with nothing of ours in between: what an update takes from its pipe to a reader that does nothing else, and
//! by way of a program that only commits it to SQLite and passes it on.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::stats::median;

/// p50 in microseconds of so many stamped updates at a rate, read from the agent's stdout.
pub(super) fn latency(agent: &mut Command, stamps: u64, rate: u64) -> anyhow::Result<f64> {
    let mut agent = start(agent)?;
    let output = agent.0.stdout.take().context("stdout")?;
    measure(&mut agent, BufReader::new(output), stamps, rate)
}

/// The same by way of a relay, which prints the port where it is to be read.
pub(super) fn relayed_latency(agent: &mut Command, relay: &mut Command, stamps: u64, rate: u64) -> anyhow::Result<f64> {
    let mut agent = start(agent)?;
    let output = agent.0.stdout.take().context("stdout")?;
    let mut relay = Running(relay.stdin(output).stdout(Stdio::piped()).spawn().context("the relay cannot be started")?);
    let mut port = String::new();
    BufReader::new(relay.0.stdout.take().context("stdout")?).read_line(&mut port)?;
    let socket = TcpStream::connect(("127.0.0.1", port.trim().parse().context("the relay's port")?))?;
    measure(&mut agent, BufReader::new(socket), stamps, rate)
}

fn start(agent: &mut Command) -> anyhow::Result<Running> {
    Ok(Running(agent.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("the agent cannot be started")?))
}

fn measure(agent: &mut Running, mut output: impl BufRead, stamps: u64, rate: u64) -> anyhow::Result<f64> {
    let mut input = agent.0.stdin.take().context("stdin")?;
    let mut send = |id: u64, method: &str, params: Value| {
        writeln!(input, "{}", json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
    };
    send(1, "initialize", json!({ "protocolVersion": 1 }))?;
    send(2, "session/new", json!({ "cwd": "/", "mcpServers": [] }))?;
    let text = format!("stamp {stamps} {rate}");
    send(3, "session/prompt", json!({ "sessionId": "direct", "prompt": [{ "type": "text", "text": text }] }))?;
    let mut taken = Vec::new();
    let mut line = String::new();
    while (taken.len() as u64) < stamps {
        line.clear();
        if output.read_line(&mut line)? == 0 {
            bail!("the agent ended before its last update");
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros() as f64;
        let message: Value = serde_json::from_str(&line)?;
        if let Some(stamp) = message["params"]["update"]["content"]["text"].as_str() {
            taken.push(now - stamp.parse::<f64>()?);
        }
    }
    Ok(median(taken))
}

/// Killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

//! One client with its agent over stdio, and an agent alone whose reader stalls.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use super::programs::Pair;
use super::usage;
use crate::run::json_lines;

const DEADLINE: Duration = Duration::from_secs(300);

/// What one run of a pair gave.
pub(super) struct Measured {
    pub(super) per_second: f64,
    /// What the agent said at the end, when it was JSON.
    pub(super) text: Value,
    pub(super) agent_peak: u64,
    pub(super) client_peak: u64,
}

/// Where the two processes of a pair run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cores {
    /// Wherever the system puts them.
    Any,
    /// Both on the same one: what is measured is then the code, and not how fast a core wakes another.
    One,
}

/// Runs a prompt in a new pair of processes and waits for so many updates. With `stall`, our client does not take
/// updates for that long first.
pub(super) fn measure(
    pair: Pair,
    prompt: &str,
    updates: u64,
    stall: Option<Duration>,
    cores: Cores,
) -> anyhow::Result<Measured> {
    let mut command = match cores {
        Cores::Any => Vec::new(),
        Cores::One => ["taskset", "--cpu-list", "0"].map(Into::into).to_vec(),
    };
    command.extend(pair.client());
    let (program, arguments) = command.split_first().context("a program")?;
    let child = Command::new(program)
        .args(arguments)
        .arg("--")
        .args(pair.agent())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{pair:?} cannot be started"))?;
    let mut process = Process::new(child)?;
    process.write(&json!({ "request": "initialize", "params": { "protocolVersion": 1, "clientCapabilities": {} } }))?;
    process.write(&json!({ "request": "session/new", "params": { "cwd": "/", "mcpServers": [] } }))?;
    let stall = stall.map(|stall| stall.as_millis());
    process.write(&json!({ "measure": prompt, "updates": updates, "stall_ms": stall }))?;
    loop {
        let line = process.read()?;
        ensure!(line["error"].is_null(), "{pair:?}: {line}");
        let measured = &line["measured"];
        if measured.is_null() {
            continue;
        }
        return Ok(Measured {
            per_second: measured["per_second"].as_f64().context("per_second")?,
            text: serde_json::from_str(measured["text"].as_str().unwrap_or_default()).unwrap_or(Value::Null),
            agent_peak: usage::peak_below(process.child.id())?,
            client_peak: usage::peak(process.child.id())?,
        });
    }
}

/// What an agent needs at most when nobody reads the updates of a turn; then they are all read and counted.
pub(super) fn stalled_reader(pair: Pair, updates: u64) -> anyhow::Result<u64> {
    let agent = pair.agent();
    let (program, arguments) = agent.split_first().context("a program")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{pair:?} cannot be started"))?;
    let peak = stall(&mut child, updates);
    let _ = child.kill();
    let _ = child.wait();
    peak.with_context(|| format!("{pair:?} with a reader that stalls"))
}

fn stall(child: &mut Child, updates: u64) -> anyhow::Result<u64> {
    let mut steps = child.stdin.take().context("stdin")?;
    // As small as it can be: what this process has read counts as read.
    let mut lines = BufReader::with_capacity(256, child.stdout.take().context("stdout")?);
    call(&mut steps, "initialize", 1, &json!({ "protocolVersion": 1, "clientCapabilities": {} }))?;
    answer(&mut lines)?;
    call(&mut steps, "session/new", 2, &json!({ "cwd": "/", "mcpServers": [] }))?;
    let session = answer(&mut lines)?["result"]["sessionId"].clone();
    let text = format!("flood {updates}");
    call(
        &mut steps,
        "session/prompt",
        3,
        &json!({ "sessionId": session, "prompt": [{ "type": "text", "text": text }] }),
    )?;
    let peak = settled(child.id())?;
    let mut read = 0;
    let mut lines = BufReader::with_capacity(1 << 20, lines);
    loop {
        let line = line(&mut lines)?;
        if line.starts_with('{') && line.contains("agent_message_chunk") {
            read += 1;
        } else if line.contains("stopReason") {
            break;
        }
    }
    ensure!(read == updates, "{read} of {updates} updates came");
    Ok(peak)
}

/// Peak memory once it has not changed for two seconds.
fn settled(pid: u32) -> anyhow::Result<u64> {
    let started = Instant::now();
    let (mut peak, mut since) = (usage::peak(pid)?, Instant::now());
    while since.elapsed() < Duration::from_secs(2) && started.elapsed() < DEADLINE {
        std::thread::sleep(Duration::from_millis(100));
        let now = usage::peak(pid)?;
        if now != peak {
            (peak, since) = (now, Instant::now());
        }
    }
    Ok(peak)
}

fn call(steps: &mut impl Write, method: &str, id: u64, params: &Value) -> std::io::Result<()> {
    writeln!(steps, "{}", json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
}

fn answer(lines: &mut impl BufRead) -> anyhow::Result<Value> {
    loop {
        let value: Value = serde_json::from_str(&line(lines)?)?;
        if !value["id"].is_null() {
            return Ok(value);
        }
    }
}

fn line(lines: &mut impl BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    ensure!(lines.take(16 << 20).read_line(&mut line)? > 0, "the agent exited");
    Ok(line)
}

/// A client that takes steps and prints lines; see `interop/ts/client.mjs`.
struct Process {
    child: Child,
    steps: Option<std::process::ChildStdin>,
    lines: Receiver<Value>,
}

impl Process {
    fn new(mut child: Child) -> anyhow::Result<Self> {
        let steps = child.stdin.take();
        let stdout = child.stdout.take().context("stdout")?;
        let lines = json_lines(stdout);
        Ok(Self { child, steps, lines })
    }

    fn write(&mut self, step: &Value) -> anyhow::Result<()> {
        writeln!(self.steps.as_mut().context("stdin")?, "{step}").context("the client is gone")
    }

    fn read(&mut self) -> anyhow::Result<Value> {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => Ok(line),
            Err(_) => bail!("the client said nothing for {} s, or exited", DEADLINE.as_secs()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The end of its stdin ends it and its agent.
        self.steps = None;
        let deadline = Instant::now() + Duration::from_secs(5);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

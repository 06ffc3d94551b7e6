//! The bridge over WebSocket, against the official SDK's transport in front of the same agent, read by the same client.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use super::page::{Row, Section};
use super::stats::{median, megabytes, per_second, time};
use super::{Effort, programs, usage};
use crate::run::{root, say};

const DEADLINE: Duration = Duration::from_secs(300);

/// What stands between the agent and the client.
#[derive(Debug, Clone, Copy)]
enum Subject {
    Fsync,
    Os,
    Official,
}

pub(super) fn section(effort: Effort) -> anyhow::Result<Section> {
    Ok(Section {
        title: "Bridge over WebSocket",
        about: format!(
            "The same agent (a bare writer) and the same client around each; a new server for each run, medians of {} \
             runs that alternate between the servers. The official transport keeps no log and serves one client.",
            effort.runs
        ),
        columns: ["bridge, fsync", "bridge, `--durability os`", "official WebSocket transport 5.0.0"]
            .map(str::to_owned)
            .to_vec(),
        ratio: "better than official by",
        rows: rows(effort)?,
    })
}

fn rows(effort: Effort) -> anyhow::Result<Vec<Row>> {
    use Subject::{Fsync, Official, Os};
    let updates = effort.updates.to_string();
    let stamps = effort.stamps.to_string();
    let missed = effort.missed.to_string();
    let one = medians(effort, &["throughput", &updates, "1"], "per_second", &[Fsync, Os, Official])?;
    let eight = medians(effort, &["throughput", &updates, "8"], "per_second", &[Fsync, Os])?;
    let latency = medians(effort, &["latency", &stamps, "100"], "p50_us", &[Fsync, Os, Official])?;
    let direct = direct(effort)?;
    let added: Vec<f64> = latency.iter().map(|micros| (micros - direct).max(0.0)).collect();
    let stalled = medians(effort, &["stalled", &missed, "PID"], "grown_bytes", &[Fsync])?;
    let replay = medians(effort, &["replay", &updates], "per_second", &[Fsync])?;
    let idle = idle(effort)?;
    let none = || "-".to_owned();
    Ok(vec![
        Row {
            what: format!("{updates} updates to one client"),
            cells: one.iter().map(|rate| per_second(*rate)).collect(),
            ratio: one[0] / one[2],
            target: "the official transport and 120k/s".to_owned(),
            met: one[0] >= one[2] && one[0] >= 120_000.0,
        },
        Row {
            what: format!("{updates} updates to eight clients, deliveries"),
            cells: vec![per_second(eight[0]), per_second(eight[1]), none()],
            ratio: f64::NAN,
            target: "400k/s".to_owned(),
            met: eight[0] >= 400_000.0,
        },
        Row {
            what: format!("p50 added at 100 updates/s, to the {} that the agent's own pipe takes", time(direct)),
            cells: added.iter().map(|micros| time(*micros)).collect(),
            ratio: added[2] / added[0],
            target: "at most 0.6 ms".to_owned(),
            met: added[0] <= 600.0,
        },
        Row {
            what: format!("memory that a client costs which does not read {missed} updates, then gets them all"),
            cells: vec![megabytes(stalled[0]), none(), none()],
            ratio: f64::NAN,
            target: "at most 16 MB".to_owned(),
            met: stalled[0] <= 16_000_000.0,
        },
        Row {
            what: format!("replay of {updates} records to one client"),
            cells: vec![per_second(replay[0]), none(), none()],
            ratio: f64::NAN,
            target: "500k/s".to_owned(),
            met: replay[0] >= 500_000.0,
        },
        Row {
            what: "memory when idle".to_owned(),
            cells: vec![megabytes(idle[0]), none(), megabytes(idle[1])],
            ratio: idle[1] / idle[0],
            target: "at most 12 MB".to_owned(),
            met: idle[0] <= 12_000_000.0,
        },
    ])
}

/// What an update takes with nothing between the agent and its reader, in microseconds.
fn direct(effort: Effort) -> anyhow::Result<f64> {
    let mut runs = Vec::new();
    for _ in 0..effort.runs {
        runs.push(super::direct::latency(&mut Command::new(programs::load_agent()), effort.stamps, 100)?);
    }
    Ok(median(runs))
}

/// The median of one figure of the load client for each subject.
fn medians(effort: Effort, arguments: &[&str], figure: &str, subjects: &[Subject]) -> anyhow::Result<Vec<f64>> {
    let mut runs = vec![Vec::new(); subjects.len()];
    for round in 1..=effort.runs {
        for (subject, runs) in subjects.iter().zip(&mut runs) {
            let figures = load(*subject, arguments)
                .with_context(|| format!("{subject:?}: load_client {}", arguments.join(" ")))?;
            say(&format!("  {}, round {round}, {subject:?}: {figures}", arguments.join(" ")));
            runs.push(figures[figure].as_f64().with_context(|| format!("the load client gave no {figure}"))?);
        }
    }
    Ok(runs.into_iter().map(median).collect())
}

fn load(subject: Subject, arguments: &[&str]) -> anyhow::Result<Value> {
    let server = Server::start(subject)?;
    let pid = server.child.id().to_string();
    let mut client = programs::load_client();
    client.arg(format!("{}/acp", server.url.replacen("http", "ws", 1)));
    client.args(arguments.iter().map(|argument| if *argument == "PID" { &pid } else { *argument }));
    let mut child = client.stdout(Stdio::piped()).spawn().context("the load client cannot be started")?;
    let started = Instant::now();
    // It prints one line, which fits into the pipe.
    while child.try_wait()?.is_none() {
        if started.elapsed() > DEADLINE {
            let _ = child.kill();
            let _ = child.wait();
            bail!("not done after {} s", DEADLINE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("the load client failed: {}", output.status);
    }
    serde_json::from_slice(&output.stdout).context("the load client printed no JSON")
}

/// Resident memory of a server that has been left alone for a second: the bridge's, the official one's.
fn idle(effort: Effort) -> anyhow::Result<[f64; 2]> {
    let mut runs = [Vec::new(), Vec::new()];
    for _ in 0..effort.runs {
        for (subject, runs) in [Subject::Fsync, Subject::Official].into_iter().zip(&mut runs) {
            let server = Server::start(subject)?;
            std::thread::sleep(Duration::from_secs(1));
            runs.push(usage::resident(server.child.id())? as f64);
        }
    }
    Ok(runs.map(median))
}

/// A running server with nothing in its log; gone, with its agents, when dropped.
struct Server {
    child: Child,
    url: String,
    _directory: tempfile::TempDir,
}

impl Server {
    fn start(subject: Subject) -> anyhow::Result<Self> {
        // Below target, because the system's temporary directory may be in memory, where fsync costs nothing.
        let directory = tempfile::tempdir_in(root().join("target"))?;
        let mut command = match subject {
            Subject::Fsync => programs::bridge(directory.path(), "fsync"),
            Subject::Os => programs::bridge(directory.path(), "os"),
            Subject::Official => programs::official_server(),
        };
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("it cannot be started")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("stdout")?).read_line(&mut line)?;
        let announced: Value = serde_json::from_str(&line).context("it did not say where it listens")?;
        let url = announced["url"].as_str().context("it did not say where it listens")?.to_owned();
        Ok(Self { child, url, _directory: directory })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let deadline = Instant::now() + Duration::from_secs(10);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

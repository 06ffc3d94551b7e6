//! The bridge over WebSocket, against the official SDK's transport in front of the same agent, read by the same client.

use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use super::effort::Effort;
use super::page::{Row, Section};
use super::server::{Server, Subject, load};
use super::stats::{median, megabytes, per_second, time};
use super::{programs, usage};
use crate::run::{root, say};

/// What an update may take beyond a bare write that reaches the disk, in microseconds.
const BEYOND_DISK: f64 = 150.0;

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
    let disk = super::disk::sync(effort.stamps, 100)?;
    let relays = relays(effort)?;
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
            what: format!(
                "p50 added at 100 updates/s, to the {} that the agent's own pipe takes (a bare write with fdatasync on \
                 this disk: {})",
                time(direct),
                time(disk)
            ),
            cells: added.iter().map(|micros| time(*micros)).collect(),
            ratio: added[2] / added[1],
            target: format!(
                "with fsync at most the bare write + {}, without at most the official transport",
                time(BEYOND_DISK)
            ),
            met: added[0] <= disk + BEYOND_DISK && added[1] <= added[2],
        },
        Row {
            what: "the same by a program of one thread and no protocol that commits each update to SQLite with that \
                   durability, in the last column without any commit, and passes it on"
                .to_owned(),
            cells: relays.iter().map(|micros| time((micros - direct).max(0.0))).collect(),
            ratio: f64::NAN,
            target: String::new(),
            met: true,
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

/// What an update takes by way of a bare relay that commits with fsync, without, and not at all, in microseconds.
fn relays(effort: Effort) -> anyhow::Result<Vec<f64>> {
    let mut runs = [const { Vec::new() }; 3];
    for _ in 0..effort.runs {
        for (durability, runs) in ["fsync", "os", "none"].into_iter().zip(&mut runs) {
            let directory = tempfile::tempdir_in(root().join("target"))?;
            let mut agent = Command::new(programs::load_agent());
            let mut relay = programs::bare_relay(directory.path(), durability);
            runs.push(super::direct::relayed_latency(&mut agent, &mut relay, effort.stamps, 100)?);
        }
    }
    Ok(runs.into_iter().map(median).collect())
}

/// The median of one figure of the load client for each subject.
fn medians(effort: Effort, arguments: &[&str], figure: &str, subjects: &[Subject]) -> anyhow::Result<Vec<f64>> {
    let mut runs = vec![Vec::new(); subjects.len()];
    for round in 1..=effort.runs {
        for (subject, runs) in subjects.iter().zip(&mut runs) {
            let figures = load(&Server::start(*subject)?, arguments)
                .with_context(|| format!("{subject:?}: load_client {}", arguments.join(" ")))?;
            say(&format!("  {}, round {round}, {subject:?}: {figures}", arguments.join(" ")));
            runs.push(figures[figure].as_f64().with_context(|| format!("the load client gave no {figure}"))?);
        }
    }
    Ok(runs.into_iter().map(median).collect())
}

/// Resident memory of a server that has been left alone for a second: the bridge's, the official one's.
fn idle(effort: Effort) -> anyhow::Result<[f64; 2]> {
    let mut runs = [Vec::new(), Vec::new()];
    for _ in 0..effort.runs {
        for (subject, runs) in [Subject::Fsync, Subject::Official].into_iter().zip(&mut runs) {
            let server = Server::start(subject)?;
            std::thread::sleep(Duration::from_secs(1));
            runs.push(usage::resident(server.pid())? as f64);
        }
    }
    Ok(runs.map(median))
}

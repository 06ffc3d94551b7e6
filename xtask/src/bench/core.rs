//! The connection core over stdio: our agent with our client, the official Rust pair, the TypeScript pair.

use std::time::Duration;

use anyhow::Context;

use super::Effort;
use super::page::{Row, Section};
use super::pair::{Cores, Measured, measure, stalled_reader};
use super::programs::Pair;
use super::stats::{median, megabytes, per_second, time};
use crate::run::say;

pub(super) fn section(effort: Effort) -> anyhow::Result<Section> {
    Ok(Section {
        title: "Connection core over stdio",
        about: format!(
            "Real pipes, a new pair of processes for each run, medians of {} runs that alternate between the pairs. \
             Both ends of a pair are on the same code base and take the same prompts (`interop/`); the Rust pairs \
             run on single-threaded runtimes, which is the faster choice for both.",
            effort.runs
        ),
        columns: ["ours", "official Rust SDK 5.0.0", "TypeScript SDK 2.4.0"].map(str::to_owned).to_vec(),
        ratio: "better than official Rust by",
        rows: rows(effort)?,
    })
}

fn rows(effort: Effort) -> anyhow::Result<Vec<Row>> {
    let floods = rounds(effort, &format!("flood {}", effort.updates), effort.updates, Cores::Any)?;
    let calls = rounds(effort, &format!("rtt {}", effort.requests), 1, Cores::Any)?;
    let pinned = rounds(effort, &format!("rtt {}", effort.requests), 1, Cores::One)?;
    Ok(vec![
        throughput(effort, &floods),
        peaks(&floods),
        round_trip("sequential agent-to-client requests, round trip p50 (p99)", &calls)?,
        round_trip("the same with both processes on one core", &pinned)?,
        stalled(effort)?,
        stalled_application(effort)?,
    ])
}

/// Every pair once per round, so that what disturbs one disturbs all.
fn rounds(effort: Effort, prompt: &str, updates: u64, cores: Cores) -> anyhow::Result<[Vec<Measured>; 3]> {
    let mut runs = [Vec::new(), Vec::new(), Vec::new()];
    for round in 1..=effort.runs {
        for (pair, runs) in Pair::ALL.into_iter().zip(&mut runs) {
            let run = measure(pair, prompt, updates, None, cores).with_context(|| format!("{pair:?}: {prompt}"))?;
            say(&format!("  {prompt}, round {round}, {pair:?}: {} {}", per_second(run.per_second), run.text));
            runs.push(run);
        }
    }
    Ok(runs)
}

fn throughput(effort: Effort, floods: &[Vec<Measured>; 3]) -> Row {
    let rates = floods.each_ref().map(|runs| median(runs.iter().map(|run| run.per_second).collect()));
    let [ours, official, _] = rates;
    Row {
        what: format!("{} updates of 50 bytes, agent to client", effort.updates),
        cells: rates.iter().map(|rate| per_second(*rate)).collect(),
        ratio: ours / official,
        target: "10x the official Rust pair and 250k/s".to_owned(),
        met: ours >= 10.0 * official && ours >= 250_000.0,
    }
}

fn peaks(floods: &[Vec<Measured>; 3]) -> Row {
    let both = floods.each_ref().map(|runs| {
        let agent = median(runs.iter().map(|run| run.agent_peak as f64).collect());
        let client = median(runs.iter().map(|run| run.client_peak as f64).collect());
        (agent, client)
    });
    Row {
        what: "peak memory of that, agent / client".to_owned(),
        cells: both.iter().map(|(agent, client)| format!("{} / {}", megabytes(*agent), megabytes(*client))).collect(),
        ratio: (both[1].0 + both[1].1) / (both[0].0 + both[0].1),
        target: String::new(),
        met: true,
    }
}

fn round_trip(what: &str, calls: &[Vec<Measured>; 3]) -> anyhow::Result<Row> {
    let times = |runs: &[Measured], share: &str| -> anyhow::Result<f64> {
        let taken: Option<Vec<f64>> = runs.iter().map(|run| run.text[share].as_f64()).collect();
        taken.map(median).with_context(|| format!("an agent did not say its {share}"))
    };
    let mut p50 = Vec::new();
    let mut cells = Vec::new();
    for runs in calls {
        p50.push(times(runs, "p50_us")?);
        cells.push(format!("{} ({})", time(times(runs, "p50_us")?), time(times(runs, "p99_us")?)));
    }
    Ok(Row {
        what: what.to_owned(),
        cells,
        ratio: p50[1] / p50[0],
        target: "p50 at most 40 us".to_owned(),
        met: p50[0] <= 40.0,
    })
}

/// An agent in mid-turn whose client reads nothing at all.
fn stalled(effort: Effort) -> anyhow::Result<Row> {
    let updates = effort.updates * 3;
    let mut peaks = Vec::new();
    for pair in Pair::ALL {
        let runs: anyhow::Result<Vec<f64>> =
            (0..effort.runs.min(3)).map(|_| Ok(stalled_reader(pair, updates)? as f64)).collect();
        let peak = median(runs?);
        say(&format!("  stalled reader, {pair:?}: {}", megabytes(peak)));
        peaks.push(peak);
    }
    Ok(Row {
        what: format!("peak memory of an agent with {updates} updates for a reader that stalls"),
        cells: peaks.iter().map(|peak| megabytes(*peak)).collect(),
        ratio: peaks[1] / peaks[0],
        target: "at most 12 MB".to_owned(),
        met: peaks[0] <= 12_000_000.0,
    })
}

/// Our client, whose application takes nothing for a while.
fn stalled_application(effort: Effort) -> anyhow::Result<Row> {
    let updates = effort.updates * 3;
    let run = measure(Pair::Ours, &format!("flood {updates}"), updates, Some(Duration::from_secs(3)), Cores::Any)?;
    let most = run.agent_peak.max(run.client_peak) as f64;
    Ok(Row {
        what: "the same when the client's application stalls, larger of agent and client".to_owned(),
        cells: vec![megabytes(most), "-".to_owned(), "-".to_owned()],
        ratio: f64::NAN,
        target: "at most 12 MB".to_owned(),
        met: most <= 12_000_000.0,
    })
}

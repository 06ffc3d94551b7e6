//! The connection core over stdio: our agent with our client, the official Rust pair, the TypeScript pair.

use std::time::Duration;

use anyhow::Context;

use super::effort::Effort;
use super::page::{Row, Section};
use super::pair::{Cores, Measured, measure, stalled_reader};
use super::pipe::{self, RoundTrip};
use super::programs::Pair;
use super::stats::{median, megabytes, per_second, time};
use crate::run::say;

/// How many times a bare pipe a request and its answer may take.
const BEYOND_PIPE: f64 = 1.3;

/// In the column of who does not do such a thing.
fn none() -> String {
    "-".to_owned()
}

pub(super) fn section(effort: Effort) -> anyhow::Result<Section> {
    Ok(Section {
        title: "Connection core over stdio",
        about: format!(
            "Real pipes, a new pair of processes for each run, medians of {} runs that alternate between the pairs. \
             Both ends of a pair are on the same code base and take the same prompts (`interop/`); the Rust pairs \
             run on single-threaded runtimes, which is the faster choice for both.",
            effort.runs
        ),
        columns: ["ours", "official Rust SDK 5.2.0", "TypeScript SDK 2.4.0", "two plain processes on a bare pipe"]
            .map(str::to_owned)
            .to_vec(),
        ratio: "better than official Rust by",
        rows: rows(effort)?,
    })
}

fn rows(effort: Effort) -> anyhow::Result<Vec<Row>> {
    let floods = rounds(effort, &format!("flood {}", effort.updates), effort.updates, Cores::Any)?;
    let calls = rounds(effort, &format!("rtt {}", effort.requests), 1, Cores::Any)?;
    let pinned = rounds(effort, &format!("rtt {}", effort.requests), 1, Cores::One)?;
    let (bare, bare_pinned) = (bare(effort, Cores::Any)?, bare(effort, Cores::One)?);
    Ok(vec![
        throughput(effort, &floods),
        peaks(&floods),
        round_trip("sequential agent-to-client requests, round trip p50 (p99)", &calls, bare, Some(BEYOND_PIPE))?,
        round_trip("the same with both processes on one core", &pinned, bare_pinned, None)?,
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

/// The pipes alone, one line to and fro.
fn bare(effort: Effort, cores: Cores) -> anyhow::Result<RoundTrip> {
    let mut runs = Vec::new();
    for round in 1..=effort.runs {
        let run = pipe::round_trip(effort.requests, cores)?;
        say(&format!("  bare pipe, {cores:?}, round {round}: {run:?}"));
        runs.push(run);
    }
    let middle = |figure: fn(&RoundTrip) -> f64| median(runs.iter().map(figure).collect());
    Ok(RoundTrip { p50: middle(|run| run.p50), p99: middle(|run| run.p99) })
}

fn throughput(effort: Effort, floods: &[Vec<Measured>; 3]) -> Row {
    let rates = floods.each_ref().map(|runs| median(runs.iter().map(|run| run.per_second).collect()));
    let [ours, official, _] = rates;
    Row {
        what: format!("{} updates of 50 bytes, agent to client", effort.updates),
        cells: rates.iter().map(|rate| per_second(*rate)).chain([none()]).collect(),
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
        cells: both
            .iter()
            .map(|(agent, client)| format!("{} / {}", megabytes(*agent), megabytes(*client)))
            .chain([none()])
            .collect(),
        ratio: (both[1].0 + both[1].1) / (both[0].0 + both[0].1),
        target: String::new(),
        met: true,
    }
}

/// `most`: how many times a bare pipe ours may take; without it, as long as the official Rust pair.
fn round_trip(what: &str, calls: &[Vec<Measured>; 3], bare: RoundTrip, most: Option<f64>) -> anyhow::Result<Row> {
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
    cells.push(format!("{} ({})", time(bare.p50), time(bare.p99)));
    let (target, most) = match most {
        Some(most) => (format!("p50 at most {most}x a bare pipe"), bare.p50 * most),
        None => ("p50 at most that of the official Rust pair".to_owned(), p50[1]),
    };
    Ok(Row { what: what.to_owned(), cells, ratio: p50[1] / p50[0], target, met: p50[0] <= most })
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
        cells: peaks.iter().map(|peak| megabytes(*peak)).chain([none()]).collect(),
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
        cells: vec![megabytes(most), none(), none(), none()],
        ratio: f64::NAN,
        target: "at most 12 MB".to_owned(),
        met: most <= 12_000_000.0,
    })
}

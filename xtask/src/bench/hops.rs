//! Where the time of one update goes inside the bridge: the hops that it marks for itself.

use anyhow::Context;
use serde_json::Value;

use super::effort::Effort;
use super::page::{Row, Section};
use super::server::{Server, Subject, load};
use super::stats::{median, time};
use crate::run::say;

/// What happens between one mark and the next, and its end.
const HOPS: [(&str, &str); 9] = [
    ("heard", "the session's task gets what the connection to the agent has read"),
    ("recorded", "it makes a record"),
    ("begun", "a transaction begins, in the same task or in the writer's thread"),
    ("inserted", "the record is put into its table"),
    ("committed", "the commit, with fsync or without"),
    ("followed", "the client's connection finds it"),
    ("rendered", "it makes the client's message"),
    ("written", "the socket takes it"),
    ("", "from the agent's pipe to the client's socket"),
];

pub(super) fn section(effort: Effort) -> anyhow::Result<Section> {
    Ok(Section {
        title: "Hops of one update",
        about: format!(
            "The bridge built with a recorder of its own trace events (`acp-bridge/examples/timed_bridge.rs`), {} updates at \
             100 a second, medians of {} runs. What the table above has more is the way from the agent's write to the \
             bridge's read and from the bridge's write to the client. `moved` is the share of updates for which another \
             thread went on.",
            effort.stamps, effort.runs
        ),
        columns: ["bridge, fsync", "moved", "bridge, `--durability os`", "moved"].map(str::to_owned).to_vec(),
        ratio: "",
        rows: rows(effort)?,
    })
}

fn rows(effort: Effort) -> anyhow::Result<Vec<Row>> {
    let mut runs = [Vec::new(), Vec::new()];
    for _ in 0..effort.runs {
        for (subject, runs) in [Subject::TimedFsync, Subject::TimedOs].into_iter().zip(&mut runs) {
            let server = Server::start(subject)?;
            load(&server, &["latency", &effort.stamps.to_string(), "100"])?;
            let hops = server.hops()?;
            say(&format!("  {subject:?}: {hops}"));
            runs.push(hops);
        }
    }
    let figure = |runs: &[Value], at: usize, name: &str| -> anyhow::Result<f64> {
        let figures: Option<Vec<f64>> = runs.iter().map(|run| run[at][name].as_f64()).collect();
        figures.map(median).context("no update came by all of the marks")
    };
    let row = |(at, (to, what)): (usize, (&str, &str))| -> anyhow::Result<Row> {
        let mut cells = Vec::new();
        for runs in &runs {
            let moved = figure(runs, at, "other_thread")?;
            cells.push(time(figure(runs, at, "p50_us")?));
            cells.push(if to.is_empty() { String::new() } else { format!("{:.0} %", moved * 100.0) });
        }
        Ok(Row { what: what.to_owned(), cells, ratio: f64::NAN, target: String::new(), met: true })
    };
    HOPS.into_iter().enumerate().map(row).collect()
}

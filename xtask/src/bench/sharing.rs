//! Sessions that many clients share: what is lost when connections drop or the bridge is killed, what a crowd costs, and
//! how fast a stop gets through.

use anyhow::{Context, ensure};
use serde_json::Value;

use super::effort::Effort;
use super::page::{Row, Section};
use super::server::{Server, Subject, load};
use super::stats::{median, megabytes, time};
use crate::run::say;

/// Clients that come back in each of the three ways.
const CLIENTS_EACH_WAY: u64 = 2;

pub(super) fn section(effort: Effort) -> anyhow::Result<Section> {
    Ok(Section {
        title: "Shared sessions",
        about: format!(
            "The bridge with fsync, the same bare writer as agent, a new bridge for each run; medians of {} runs, except \
             where the worst of all runs is said. No peer does these things, so there is no ratio.",
            effort.runs
        ),
        columns: vec!["bridge, fsync".to_owned()],
        ratio: "",
        rows: rows(effort)?,
    })
}

fn rows(effort: Effort) -> anyhow::Result<Vec<Row>> {
    let updates = effort.updates;
    let churn = churn(effort)?;
    let killed = killed(effort)?;
    let cancel = runs(effort, &["cancel", &effort.cancels.to_string()])?;
    let p50 = middle(&cancel, "p50_us")?;
    let p99 = middle(&cancel, "p99_us")?;
    let crowd = runs(effort, &["crowd", &effort.sessions.to_string(), &effort.clients.to_string(), "PID"])?;
    let attach = attach(effort)?;
    let row = |what: String, cell: String, target: &str, met: bool| Row {
        what,
        cells: vec![cell],
        ratio: f64::NAN,
        target: target.to_owned(),
        met,
    };
    Ok(vec![
        row(
            format!(
                "{updates} updates as fast as they come, {} clients that drop and come back {} times each by load, resume \
                 and attach: lost, doubled (worst)",
                CLIENTS_EACH_WAY * 3,
                effort.drops
            ),
            format!("{}, {}", churn.0, churn.1),
            "0, 0",
            churn == (0, 0),
        ),
        row(
            format!("`kill -9` the moment that the end of a turn of {updates} updates was delivered: lost (worst)"),
            killed.to_string(),
            "0",
            killed == 0,
        ),
        row(
            "stop, from the client to an agent that writes as fast as it can: p50 (p99)".to_owned(),
            format!("{} ({})", time(p50), time(p99)),
            "p99 at most 10 ms",
            p99 <= 10_000.0,
        ),
        row(
            format!("memory per session of {}, closed", effort.sessions),
            kilobytes(middle(&crowd, "closed_session_bytes")?),
            "",
            true,
        ),
        row(
            format!("memory per session of {}, attached, without its agent", effort.sessions),
            kilobytes(middle(&crowd, "open_session_bytes")?),
            "at most 20 KB",
            middle(&crowd, "open_session_bytes")? <= 20_000.0,
        ),
        row(
            format!("memory per idle client of {}", effort.clients),
            kilobytes(middle(&crowd, "client_bytes")?),
            "",
            true,
        ),
        row("memory of all that".to_owned(), megabytes(middle(&crowd, "total_bytes")?), "", true),
        row(
            format!(
                "to attach to the end of a session of {updates} records in {} turns, beside others: p50 (p99)",
                effort.turns
            ),
            format!("{} ({})", time(middle(&attach, "p50_us")?), time(middle(&attach, "p99_us")?)),
            "",
            true,
        ),
        row("the same with nobody else there: p50".to_owned(), time(middle(&attach, "alone_p50_us")?), "", true),
        row(
            format!("memory per client of {} that is attached to it", effort.attached),
            kilobytes(middle(&attach, "client_bytes")?),
            "",
            true,
        ),
    ])
}

/// Attaching to a long session. A turn has four records beside the agent's updates.
fn attach(effort: Effort) -> anyhow::Result<Vec<Value>> {
    let updates = (effort.updates / effort.turns).saturating_sub(4);
    runs(effort, &["attach", &effort.turns.to_string(), &updates.to_string(), &effort.attached.to_string(), "PID"])
}

/// The most that was lost and doubled in any run.
fn churn(effort: Effort) -> anyhow::Result<(u64, u64)> {
    let arguments = ["churn", &effort.updates.to_string(), &CLIENTS_EACH_WAY.to_string(), &effort.drops.to_string()];
    let runs = runs(effort, &arguments)?;
    let most = |figure: &str| runs.iter().filter_map(|run| run[figure].as_u64()).max().context("no figure");
    Ok((most("lost")?, most("doubled")?))
}

/// The most updates that a client had seen and that were not there after a kill.
fn killed(effort: Effort) -> anyhow::Result<u64> {
    let mut most = 0;
    for round in 1..=effort.runs {
        let mut server = Server::start(Subject::Fsync)?;
        let seen = load(&server, &["kill", &effort.updates.to_string(), "PID"])?;
        ensure!(seen["answer"] == "end_turn", "the turn did not end well: {seen}");
        server.restart()?;
        let there = load(&server, &["survived", seen["session"].as_str().context("a session")?])?;
        say(&format!("  kill, round {round}: saw {seen}, after it {there}"));
        ensure!(there["in_order"] == true && there["outcome"] == "completed", "what is there is not whole: {there}");
        let number = |value: &Value| value.as_u64().context("a number");
        most = most.max(number(&seen["seen"])?.saturating_sub(number(&there["there"])?));
    }
    Ok(most)
}

fn runs(effort: Effort, arguments: &[&str]) -> anyhow::Result<Vec<Value>> {
    let mut runs = Vec::new();
    for round in 1..=effort.runs {
        let figures = load(&Server::start(Subject::Fsync)?, arguments)
            .with_context(|| format!("load_client {}", arguments.join(" ")))?;
        say(&format!("  {}, round {round}: {figures}", arguments.join(" ")));
        runs.push(figures);
    }
    Ok(runs)
}

fn middle(runs: &[Value], figure: &str) -> anyhow::Result<f64> {
    let values: Option<Vec<f64>> = runs.iter().map(|run| run[figure].as_f64()).collect();
    values.map(median).with_context(|| format!("the load client gave no {figure}"))
}

/// `12.3 KB`.
fn kilobytes(bytes: f64) -> String {
    format!("{:.1} KB", bytes / 1000.0)
}

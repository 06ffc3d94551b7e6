//! `acp-bridge bridges`.

use acp_types::printable;
use anyhow::Context;
use serde::Serialize;

use super::home::{Home, Note};
use super::{args, identity, output};

/// One line of `--json`.
#[derive(Debug, Serialize)]
struct Line<'a> {
    agent: &'a str,
    url: &'a str,
    log: &'a str,
    running: bool,
}

pub(super) async fn run(args: &args::Bridges) -> anyhow::Result<()> {
    let home = Home::find().context("neither XDG_STATE_HOME nor HOME says where `attach` keeps what it has started")?;
    let notes = home.notes()?;
    for note in &notes {
        let line = Line { agent: &note.agent, url: &note.url, log: &note.log, running: runs(note).await };
        if args.json {
            output::json(&serde_json::to_string(&line)?)?;
        } else {
            let state = if line.running { "runs" } else { "stopped" };
            output::line(&[line.agent, state, line.url, line.log].map(printable::line).join("  "))?;
        }
    }
    if notes.is_empty() && !args.json {
        output::line("no bridges yet; an editor starts one with `acp-bridge attach --agent NAME`")?;
    }
    Ok(())
}

/// Returns whether a bridge with this log answers where the note says.
async fn runs(note: &Note) -> bool {
    let Some(host) = note.url.strip_prefix("http://") else { return false };
    let Ok(log) = identity::of_log(&note.log) else { return false };
    identity::ask(host, "", &log).await.is_ok_and(|answer| answer.same_log)
}

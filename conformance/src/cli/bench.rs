//! `acp-conformance bench`.

use std::io::Write as _;

use anyhow::Context;

use super::exit::{Exit, not_started, usage};
use super::{args, outcome};
use crate::bench::{self, BenchError, Figures, Load};
use crate::core::subject::Subject;

pub(super) async fn run(args: args::Bench) -> anyhow::Result<Exit> {
    let subject = match (&args.url, args.command.split_first()) {
        (Some(url), _) => outcome::server(url)?,
        (None, Some((program, rest))) => Subject::Program { program: program.clone(), args: rest.to_vec() },
        (None, None) => {
            return Err(usage(
                "there is nothing to measure; put its command line behind --, or its address behind --url",
            ));
        }
    };
    let load = Load {
        updates: args.updates,
        requests: args.requests,
        stall: (!args.stall.is_zero()).then_some(args.stall),
        prompt: args.prompt,
        pid: args.pid,
        limit: args.timeout,
    };
    let directory = tempfile::Builder::new().prefix("acp-conformance-").tempdir().context("no directory to work in")?;
    let figures = match bench::run(&subject, directory.path(), &load).await {
        Ok(figures) => figures,
        Err(BenchError::Start(error)) => return Err(not_started(&error.to_string())),
        Err(error) => return Err(error.into()),
    };
    let text = if args.json { format!("{}\n", serde_json::to_string(&figures)?) } else { text(&figures, &load) };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Exit::Ok)
}

fn text(figures: &Figures, load: &Load) -> String {
    let mut lines = vec![
        format!("ready           {:.1} ms", figures.ready_ms),
        format!("session         {:.1} ms", figures.session_ms),
        format!("round trip      p50 {} us, p99 {} us", figures.round_trip_p50_us, figures.round_trip_p99_us),
        format!("updates         {} in one turn, {:.0} a second", figures.updates, figures.updates_per_second),
    ];
    if figures.updates < load.updates {
        lines.push("                the agent was asked for more; give a --prompt that makes it write".to_owned());
    }
    if let Some(stalled) = &figures.stalled {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let memory = match stalled.before_bytes {
            0 => "its memory is not seen; --pid names its process".to_owned(),
            before => format!("{:.1} MB, at most {:.1} MB", megabytes(before), megabytes(stalled.peak_bytes)),
        };
        lines.push(format!("stalled reader  {memory}; then {} updates came", stalled.updates));
    }
    lines.join("\n") + "\n"
}

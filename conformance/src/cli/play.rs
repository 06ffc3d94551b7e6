//! Helpers of the commands that test something: they play a suite, perhaps several times, and tell what it came
//! to.

use std::sync::Arc;

use super::args;
use super::exit::{Exit, not_started};
use super::outcome::{self, baseline, knows, schemas};
use crate::core::probe::Limits;
use crate::core::subject::Subject;
use crate::core::suite::{Options, Run, Suite, merge, run_all};

/// A run: suites and their subject.
pub(super) struct Plan {
    /// The suites.
    pub(super) suites: Vec<Suite>,
    /// Against whom.
    pub(super) subject: Subject,
    /// In which version of the protocol.
    pub(super) protocol: u8,
    /// Limits of how long things may take.
    pub(super) limits: Limits,
    /// The command line that plays it again, with `{}` where what is selected goes.
    pub(super) again: String,
}

/// Plays, judges and tells.
pub(super) async fn play(plan: Plan, args: &args::Play) -> anyhow::Result<Exit> {
    let Plan { suites, subject, protocol, limits, again } = plan;
    knows(&suites, &args.judge.select)?;
    let baseline = baseline(&args.judge)?;
    let schemas = schemas(&args.judge, protocol)?;
    let options = Options { select: args.judge.select.clone(), limits, jobs: args.jobs, schemas };
    let subject = Arc::new(subject);
    let mut runs = Vec::new();
    for number in 1..=args.repeat {
        let run = run_all(&suites, Arc::clone(&subject), &options).await;
        if let Some(folder) = &args.transcripts {
            let folder = if args.repeat == 1 { folder.clone() } else { folder.join(format!("run-{number}")) };
            outcome::keep(&folder, &run.histories)?;
        }
        if let Some(why) = run.not_started {
            return Err(not_started(&why));
        }
        tracing::info!(run = number, of = args.repeat, "played");
        runs.push(run.results);
    }
    outcome::tell(&Run::of(merge(runs)), subject.to_string(), again, &args.judge, &baseline)
}

//! `acp-conformance agent`.

use std::sync::Arc;

use super::exit::{Exit, not_started, usage};
use super::{args, outcome};
use crate::agent::SUITE;
use crate::probe::Limits;
use crate::subject::Subject;
use crate::suite::Options;

pub(super) async fn run(args: args::Agent) -> anyhow::Result<Exit> {
    let Some((program, rest)) = args.command.split_first() else {
        return Err(usage("there is no agent to test; put its command line behind --"));
    };
    outcome::knows(&SUITE, &args.run.select)?;
    let options = Options {
        select: args.run.select.clone(),
        limits: Limits { step: args.timeout, turn: args.turn_timeout, ..Limits::default() },
        jobs: args.jobs,
        schemas: outcome::schemas(&args.run)?,
    };
    let subject = Arc::new(Subject::Program { program: program.clone(), args: rest.to_vec() });
    let run = SUITE.run(Arc::clone(&subject), &options).await;
    if let Some(folder) = &args.transcripts {
        outcome::keep(folder, &run.histories)?;
    }
    if let Some(why) = &run.not_started {
        return Err(not_started(why));
    }
    let again = format!("acp-conformance agent --select {{}} -- {}", args.command.join(" "));
    outcome::tell(&run, subject.to_string(), again, &args.run)
}

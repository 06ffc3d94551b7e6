//! `acp-conformance client`.

use std::sync::Arc;

use anyhow::Context as _;

use super::exit::{Exit, not_started, usage};
use super::{args, outcome};
use crate::client::SUITE;
use crate::client2;
use crate::probe::Limits;
use crate::subject::Subject;
use crate::suite::Options;

pub(super) async fn run(args: args::Client) -> anyhow::Result<Exit> {
    let Some((program, rest)) = args.command.split_first() else {
        return Err(usage("there is no client to test; put its command line behind --"));
    };
    let suite = if args.protocol == 2 { client2::SUITE } else { SUITE };
    outcome::knows(&[suite], &args.run.select)?;
    let options = Options {
        select: args.run.select.clone(),
        limits: Limits { step: args.timeout, grace: args.grace, ..Limits::default() },
        jobs: args.jobs,
        schemas: outcome::schemas(&args.run, args.protocol)?,
    };
    let agent = std::env::current_exe().context("cannot find this program, which is the agent that a client starts")?;
    let subject = Arc::new(Subject::Client { program: program.clone(), args: rest.to_vec(), agent });
    let run = suite.run(Arc::clone(&subject), &options).await;
    if let Some(folder) = &args.transcripts {
        outcome::keep(folder, &run.histories)?;
    }
    if let Some(why) = &run.not_started {
        return Err(not_started(why));
    }
    let version = if args.protocol == 1 { String::new() } else { format!("--protocol {} ", args.protocol) };
    let again = format!("acp-conformance client {version}--select {{}} -- {}", args.command.join(" "));
    outcome::tell(&run, subject.to_string(), again, &args.run)
}

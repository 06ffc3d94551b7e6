//! `acp-conformance client`.

use std::sync::Arc;

use anyhow::Context as _;

use super::exit::{Exit, not_started, usage};
use super::{args, outcome};
use crate::Offer;
use crate::client::{REMOTE, SUITE};
use crate::probe::Limits;
use crate::subject::Subject;
use crate::suite::{Options, run_all};

pub(super) async fn run(args: args::Client) -> anyhow::Result<Exit> {
    let Some((program, rest)) = args.command.split_first() else {
        return Err(usage("there is no client to test; put its command line behind --"));
    };
    let suites = if args.listen.is_some() { vec![SUITE, REMOTE] } else { vec![SUITE] };
    outcome::knows(&suites, &args.run.select)?;
    let options = Options {
        select: args.run.select.clone(),
        limits: Limits { step: args.timeout, grace: args.grace, ..Limits::default() },
        jobs: args.jobs,
        schemas: outcome::schemas(&args.run)?,
    };
    let agent = std::env::current_exe().context("cannot find this program, which is the agent that a client starts")?;
    let (program, rest) = (program.clone(), rest.to_vec());
    let (subject, how) = match args.listen {
        None => (Subject::Client { program, args: rest, agent }, ""),
        Some(args::Listen::Ws) => (Subject::Caller { program, args: rest, offer: Offer::Socket }, "--listen ws "),
        Some(args::Listen::Http) => (Subject::Caller { program, args: rest, offer: Offer::Http }, "--listen http "),
    };
    let subject = Arc::new(subject);
    let run = run_all(&suites, Arc::clone(&subject), &options).await;
    if let Some(folder) = &args.transcripts {
        outcome::keep(folder, &run.histories)?;
    }
    if let Some(why) = &run.not_started {
        return Err(not_started(why));
    }
    let again = format!("acp-conformance client --select {{}} {how}-- {}", args.command.join(" "));
    outcome::tell(&run, subject.to_string(), again, &args.run)
}

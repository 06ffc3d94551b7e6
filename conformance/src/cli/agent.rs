//! `acp-conformance agent`.

use std::sync::Arc;

use super::exit::{Exit, not_started, usage};
use super::{args, outcome};
use crate::agent::{SOCKET, SUITE};
use crate::http;
use crate::probe::Limits;
use crate::subject::Subject;
use crate::suite::{Options, run_all};

pub(super) async fn run(args: args::Agent) -> anyhow::Result<Exit> {
    let (subject, shown) = subject(&args)?;
    let suites = match subject {
        Subject::Http { .. } => vec![http::SUITE],
        Subject::Socket { .. } => vec![SUITE, SOCKET],
        _ => vec![SUITE],
    };
    outcome::knows(&suites, &args.run.select)?;
    let options = Options {
        select: args.run.select.clone(),
        limits: Limits { step: args.timeout, turn: args.turn_timeout, ..Limits::default() },
        jobs: args.jobs,
        schemas: outcome::schemas(&args.run)?,
    };
    let subject = Arc::new(subject);
    let run = run_all(&suites, Arc::clone(&subject), &options).await;
    if let Some(folder) = &args.transcripts {
        outcome::keep(folder, &run.histories)?;
    }
    if let Some(why) = &run.not_started {
        return Err(not_started(why));
    }
    let again = format!("acp-conformance agent --select {{}} {shown}");
    outcome::tell(&run, subject.to_string(), again, &args.run)
}

/// What is tested, and the arguments that name it.
fn subject(args: &args::Agent) -> anyhow::Result<(Subject, String)> {
    match (&args.url, args.command.split_first()) {
        (Some(url), _) => Ok((outcome::server(url)?, format!("--url {url}"))),
        (None, Some((program, rest))) => {
            let subject = Subject::Program { program: program.clone(), args: rest.to_vec() };
            Ok((subject, format!("-- {}", args.command.join(" "))))
        }
        (None, None) => {
            Err(usage("there is no agent to test; put its command line behind --, or its address behind --url"))
        }
    }
}

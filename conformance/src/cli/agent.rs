//! `acp-conformance agent`.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;

use super::exit::{Exit, not_started, usage};
use super::{args, model, outcome};
use crate::agent::{SOCKET, SUITE};
use crate::probe::Limits;
use crate::recipe::{self, Recipe, Stages};
use crate::subject::Subject;
use crate::suite::{Options, run_all};
use crate::{agent2, http};

pub(super) async fn run(args: args::Agent) -> anyhow::Result<Exit> {
    let (subject, shown) = subject(&args)?;
    let suites = match (&subject, args.protocol) {
        (Subject::Http { .. }, 2) => return Err(usage("--protocol 2 is tested over stdio and WebSocket only")),
        (Subject::Http { .. }, _) => vec![http::SUITE],
        (_, 2) => vec![agent2::SUITE],
        (Subject::Socket { .. }, _) => vec![SUITE, SOCKET],
        _ => vec![SUITE],
    };
    outcome::knows(&suites, &args.run.select)?;
    let options = Options {
        select: args.run.select.clone(),
        limits: Limits { step: args.timeout, turn: args.turn_timeout, ..Limits::default() },
        jobs: args.jobs,
        schemas: outcome::schemas(&args.run, args.protocol)?,
    };
    let subject = Arc::new(subject);
    let run = run_all(&suites, Arc::clone(&subject), &options).await;
    if let Some(folder) = &args.transcripts {
        outcome::keep(folder, &run.histories)?;
    }
    if let Some(why) = &run.not_started {
        return Err(not_started(why));
    }
    let version = if args.protocol == 1 { String::new() } else { format!("--protocol {} ", args.protocol) };
    let again = format!("acp-conformance agent {version}--select {{}} {shown}");
    outcome::tell(&run, subject.to_string(), again, &args.run)
}

/// What is tested, and the arguments that name it.
fn subject(args: &args::Agent) -> anyhow::Result<(Subject, String)> {
    match (&args.url, args.command.split_first()) {
        (Some(url), _) => Ok((outcome::server(url)?, format!("--url {url}"))),
        (None, Some((program, rest))) => {
            let (program, rest, shown) = (program.clone(), rest.to_vec(), format!("-- {}", args.command.join(" ")));
            match &args.recipe {
                None => Ok((Subject::Program { program, args: rest }, shown)),
                Some(name) => {
                    let stages = Box::new(stages(name, args.script.as_deref())?);
                    Ok((Subject::Staged { program, args: rest, stages }, format!("--recipe {name} {shown}")))
                }
            }
        }
        (None, None) => {
            Err(usage("there is no agent to test; put its command line behind --, or its address behind --url"))
        }
    }
}

fn stages(name: &str, script: Option<&Path>) -> anyhow::Result<Stages> {
    let Some(recipe) = Recipe::of(name) else {
        let known: Vec<&str> = Recipe::names().collect();
        return Err(usage(format!("there is no recipe {name}; there are {}", known.join(", "))));
    };
    let script = match script {
        None => recipe::script(),
        Some(path) => model::read(path)?,
    };
    Stages::new(recipe, script).context("no directory for the agent's homes")
}

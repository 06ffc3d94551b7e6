//! `acp-conformance agent`.

use std::path::Path;

use anyhow::Context;

use super::exit::{Exit, usage};
use super::play::{Plan, play};
use super::{args, model, outcome};
use crate::core::recipe::{self, Recipe, Stages};
use crate::core::subject::Subject;
use crate::v1::agent::{SOCKET, SUITE};
use crate::v1::http;
use crate::v2;

pub(super) async fn run(args: args::Agent) -> anyhow::Result<Exit> {
    let (subject, shown) = subject(&args)?;
    let protocol = args.protocol;
    let suites = match (&subject, protocol) {
        (Subject::Http { .. }, 2) => return Err(usage("--protocol 2 is tested over stdio and WebSocket only")),
        (_, 2) => vec![v2::agent::SUITE],
        (Subject::Http { .. }, _) => vec![http::SUITE, SUITE],
        (Subject::Socket { .. }, _) => vec![SUITE, SOCKET],
        _ => vec![SUITE],
    };
    let version = if protocol == 1 { String::new() } else { format!("--protocol {protocol} ") };
    let again = format!("acp-conformance agent {version}--select {{}} {shown}");
    play(Plan { suites, subject, protocol, limits: args.waits.limits(), again }, &args.play).await
}

/// The subject, and the arguments that name it.
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

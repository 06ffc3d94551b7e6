//! `acp-conformance agent`.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;

use super::exit::{Exit, not_started, usage};
use super::{args, model, outcome};
use crate::agent::SUITE;
use crate::probe::Limits;
use crate::recipe::{self, Recipe, Stages};
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
    let (program, rest) = (program.clone(), rest.to_vec());
    let subject = Arc::new(match &args.recipe {
        None => Subject::Program { program, args: rest },
        Some(name) => Subject::Staged { program, args: rest, stages: Box::new(stages(name, args.script.as_deref())?) },
    });
    let run = SUITE.run(Arc::clone(&subject), &options).await;
    if let Some(folder) = &args.transcripts {
        outcome::keep(folder, &run.histories)?;
    }
    if let Some(why) = &run.not_started {
        return Err(not_started(why));
    }
    let recipe = args.recipe.as_ref().map_or_else(String::new, |name| format!("--recipe {name} "));
    let again = format!("acp-conformance agent {recipe}--select {{}} -- {}", args.command.join(" "));
    outcome::tell(&run, subject.to_string(), again, &args.run)
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

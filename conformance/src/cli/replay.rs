//! `acp-conformance replay`.

use std::fs::File;
use std::io::BufReader;

use super::exit::{Exit, usage};
use super::{args, outcome};
use crate::history::{self, History, What};
use crate::suite::{Run, Suite};

pub(super) fn run(args: &args::Replay) -> anyhow::Result<Exit> {
    let mut histories = Vec::new();
    for path in &args.transcripts {
        let name = path.display();
        let file = File::open(path).map_err(|error| usage(format!("cannot read {name}: {error}")))?;
        let read = history::read(BufReader::new(file)).map_err(|error| usage(format!("{name}: {error}")))?;
        histories.push(read);
    }
    let suite = suite(&histories)?;
    outcome::knows(suite, &args.run.select)?;
    let subject = histories.iter().flat_map(|history| &history.events).find_map(|event| match &event.what {
        What::Opened { subject } => Some(subject.clone()),
        _ => None,
    });
    let results = suite.judge(&histories, &args.run.select, &outcome::schemas(&args.run)?);
    let run = Run { histories, results, not_started: None };
    let files: Vec<String> = args.transcripts.iter().map(|path| path.display().to_string()).collect();
    let again = format!("acp-conformance replay --select {{}} {}", files.join(" "));
    outcome::tell(&run, subject.unwrap_or_else(|| "a transcript".to_owned()), again, &args.run)
}

/// The suite that the transcripts are of.
fn suite(histories: &[History]) -> anyhow::Result<&'static Suite> {
    let suites = [&crate::agent::SUITE, &crate::client::SUITE];
    let of = |history: &History| suites.into_iter().find(|s| s.scenarios.iter().any(|p| p.name == history.scenario));
    let first = histories.first().and_then(of).unwrap_or(suites[0]);
    match histories.iter().find(|history| of(history).is_some_and(|suite| suite.subject != first.subject)) {
        Some(other) => {
            Err(usage(format!("{} was not played with the same suite; judge agents and clients apart", other.scenario)))
        }
        None => Ok(first),
    }
}

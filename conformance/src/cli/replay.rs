//! `acp-conformance replay`.

use std::fs::File;
use std::io::BufReader;

use super::exit::{Exit, usage};
use super::{args, outcome};
use crate::bridge;
use crate::core::history::{self, History, What};
use crate::core::suite::{Run, Suite, judge_all};
use crate::v1::agent::{SOCKET, SUITE};
use crate::v1::{client, http};
use crate::v2;

pub(super) fn run(args: &args::Replay) -> anyhow::Result<Exit> {
    let mut histories = Vec::new();
    for path in &args.transcripts {
        let name = path.display();
        let file = File::open(path).map_err(|error| usage(format!("cannot read {name}: {error}")))?;
        let read = history::read(BufReader::new(file)).map_err(|error| usage(format!("{name}: {error}")))?;
        histories.push(read);
    }
    let subject = histories.iter().flat_map(|history| &history.events).find_map(|event| match &event.what {
        What::Opened { subject } => Some(subject.clone()),
        _ => None,
    });
    let suites = suites_of(&histories)?;
    outcome::knows(&suites, &args.run.select)?;
    let draft = suites.iter().any(|suite| plays(&[v2::agent::SUITE, v2::client::SUITE], suite.scenarios[0].name));
    let version = if draft { v2::VERSION } else { 1 };
    let mut results = judge_all(&suites, &histories, &args.run.select, &outcome::schemas(&args.run, version)?);
    if args.run.select.is_empty() {
        // Of scenarios that are not among the files nothing was asked.
        results.retain(|result| result.scenario.is_some());
    }
    let run = Run::of(results);
    let files: Vec<String> = args.transcripts.iter().map(|path| path.display().to_string()).collect();
    let again = format!("acp-conformance replay --select {{}} {}", files.join(" "));
    let subject = subject.unwrap_or_else(|| "a transcript".to_owned());
    outcome::tell(&run, subject, again, &args.run, &outcome::baseline(&args.run)?)
}

fn plays(suites: &[Suite], name: &str) -> bool {
    suites.iter().any(|suite| suite.scenarios.iter().any(|scenario| scenario.name == name))
}

/// The suites that the transcripts come from.
fn suites_of(histories: &[History]) -> anyhow::Result<Vec<Suite>> {
    let kinds = [
        vec![SUITE, SOCKET],
        vec![http::SUITE, SUITE],
        vec![client::SUITE, client::REMOTE],
        vec![bridge::SUITE, bridge::DURABLE],
        vec![v2::agent::SUITE],
        vec![v2::client::SUITE],
    ];
    let plays = |suites: &[Suite], history: &History| plays(suites, &history.scenario);
    let Some(known) = histories.iter().find(|history| kinds.iter().any(|kind| plays(kind, history))) else {
        return Ok(kinds[0].clone());
    };
    // A name may be known to several kinds: the one that knows most of them is meant.
    let count = |kind: &&Vec<Suite>| histories.iter().filter(|history| plays(kind, history)).count();
    let kind = kinds.iter().rev().max_by_key(count).unwrap_or(&kinds[0]);
    match histories.iter().find(|history| !plays(kind, history) && kinds.iter().any(|other| plays(other, history))) {
        Some(other) => Err(usage(format!(
            "{} and {} were not played with the same suite; judge agents, clients and bridges apart",
            known.scenario, other.scenario
        ))),
        None => Ok(kind.clone()),
    }
}

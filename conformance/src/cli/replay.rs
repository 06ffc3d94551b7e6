//! `acp-conformance replay`.

use std::fs::File;
use std::io::BufReader;

use super::exit::{Exit, usage};
use super::{args, outcome};
use crate::agent::{SOCKET, SUITE};
use crate::bridge;
use crate::history::{self, History, What};
use crate::http;
use crate::suite::{Run, Suite, judge_all};

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
    let suites = suites_of(&histories);
    outcome::knows(&suites, &args.run.select)?;
    let results = judge_all(&suites, &histories, &args.run.select, &outcome::schemas(&args.run)?);
    let run = Run { histories, results, not_started: None };
    let files: Vec<String> = args.transcripts.iter().map(|path| path.display().to_string()).collect();
    let again = format!("acp-conformance replay --select {{}} {}", files.join(" "));
    outcome::tell(&run, subject.unwrap_or_else(|| "a transcript".to_owned()), again, &args.run)
}

/// The suites that the transcripts come from.
fn suites_of(histories: &[History]) -> Vec<Suite> {
    let suites = [bridge::SUITE, bridge::DURABLE];
    let of_bridge =
        |history: &History| suites.iter().any(|suite| suite.scenarios.iter().any(|s| s.name == history.scenario));
    let of_http = |history: &History| http::SUITE.scenarios.iter().any(|s| s.name == history.scenario);
    if histories.iter().any(of_bridge) {
        suites.to_vec()
    } else if histories.iter().any(of_http) {
        vec![http::SUITE]
    } else {
        vec![SUITE, SOCKET]
    }
}

//! The adapters: how soon a session is ready and what the whole tree of processes holds, next to the bare harness and
//! to the official adapter.

mod subject;
mod talk;

use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::page::{Row, Section};
use super::stats::{median, megabytes};
use super::usage;
use crate::run::say;
use subject::{Harness, Home, Model, Subject};
use talk::Talk;

/// Idle for this long before memory is read, so that what only the start needs has been given back.
const SETTLE: Duration = Duration::from_secs(1);
/// The id of the request for a second session.
const ANOTHER: u64 = 3;
/// What a command prints, in bytes.
const OUTPUT: usize = 5_000_000;
/// Wanted: at most so much over the bare harness.
const READY: f64 = 30.0;
const MEMORY: f64 = 8e6;

/// One start of one subject.
struct Start {
    /// Milliseconds from the start of the process to the answer that makes a session usable.
    ready: f64,
    /// Bytes of the whole tree.
    resident: f64,
    /// The same with shared pages counted once.
    proportional: f64,
    /// Milliseconds that one more session of the same adapter takes; nothing for the bare harness.
    another: Option<f64>,
}

/// One turn in which a command prints a lot.
struct Flood {
    /// Milliseconds from the prompt to its answer.
    total: f64,
    /// The longest time without any message, in milliseconds.
    silence: f64,
}

pub(super) fn section(runs: usize) -> anyhow::Result<Section> {
    crate::npm::install(crate::npm::HARNESSES)?;
    crate::npm::install(crate::npm::OFFICIAL_ADAPTERS)?;
    let mut rows = Vec::new();
    for harness in Harness::ALL {
        rows.extend(starts(harness, runs)?);
        rows.extend(floods(harness, runs)?);
    }
    Ok(Section {
        title: "Adapters",
        about: format!(
            "From the start of the process to a session that takes prompts, against a scripted model on loopback, each \
             run in a new home; memory of the whole tree of processes, idle, one second later; then a second session on \
             the same connection. Medians of {runs} runs that alternate between the subjects. Bare is the harness on its own protocol: `codex app-server` {}, \
             `claude -p` {}. The official adapters bring their own harness: codex-acp 2.6.0 and claude-agent-acp 0.49.0, \
             the newest that runs on Node 20.",
            Harness::Codex.version(),
            Harness::Claude.version()
        ),
        columns: vec!["ours".into(), "bare harness".into(), "official adapter".into()],
        ratio: "better than official by",
        rows,
    })
}

fn starts(harness: Harness, runs: usize) -> anyhow::Result<Vec<Row>> {
    let mut all: Vec<Vec<Start>> = Subject::ALL.iter().map(|_| Vec::new()).collect();
    // One more than asked for: the first run warms the caches of the disk.
    for run in 0..=runs {
        for (subject, starts) in Subject::ALL.into_iter().zip(&mut all) {
            let start = start(harness, subject).with_context(|| format!("{subject:?} {harness:?}"))?;
            if run > 0 {
                say(&format!("  {harness:?} {subject:?}: ready in {:.0} ms", start.ready));
                starts.push(start);
            }
        }
    }
    let of = |figure: fn(&Start) -> f64| -> Vec<f64> {
        all.iter().map(|starts| median(starts.iter().map(figure).collect())).collect()
    };
    let row = |what: String, values: Vec<f64>, show: fn(f64) -> String, most: f64, target: &str| Row {
        what,
        met: values[0] <= values[1] + most,
        ratio: values[2] / values[0],
        cells: values.into_iter().map(show).collect(),
        target: target.to_owned(),
    };
    let name = harness.title();
    let another = |starts: &[Start]| median(starts.iter().filter_map(|it| it.another).collect());
    let [ours, _, official] = all.as_slice() else { bail!("there are three subjects") };
    let (ours, official) = (another(ours), another(official));
    let another = Row {
        what: format!("{name}: second session"),
        cells: vec![milliseconds(ours), "-".to_owned(), milliseconds(official)],
        ratio: official / ours,
        target: "the official adapter".to_owned(),
        met: ours <= official,
    };
    Ok(vec![
        row(format!("{name}: ready"), of(|it| it.ready), milliseconds, READY, "bare + 30 ms"),
        another,
        row(format!("{name}: memory (RSS)"), of(|it| it.resident), megabytes, MEMORY, "bare + 8 MB"),
        row(format!("{name}: memory (PSS)"), of(|it| it.proportional), megabytes, MEMORY, "bare + 8 MB"),
    ])
}

fn floods(harness: Harness, runs: usize) -> anyhow::Result<Vec<Row>> {
    let mut ours = Vec::new();
    let mut official = Vec::new();
    for _ in 0..runs {
        ours.push(flood(harness, Subject::Ours)?);
        official.push(flood(harness, Subject::Official)?);
    }
    let of = |floods: &[Flood], figure: fn(&Flood) -> f64| median(floods.iter().map(figure).collect());
    let total = [of(&ours, |it| it.total), of(&official, |it| it.total)];
    let silence = [of(&ours, |it| it.silence), of(&official, |it| it.silence)];
    let cell = |values: [f64; 2]| vec![milliseconds(values[0]), "-".to_owned(), milliseconds(values[1])];
    let name = harness.title();
    Ok(vec![
        Row {
            what: format!("{name}: turn whose command prints 5 MB"),
            cells: cell(total),
            ratio: total[1] / total[0],
            target: String::new(),
            met: true,
        },
        Row {
            what: format!("{name}: longest silence in it"),
            cells: cell(silence),
            ratio: silence[1] / silence[0],
            target: "no stall: at most 2 s".to_owned(),
            met: silence[0] <= 2000.0,
        },
    ])
}

fn start(harness: Harness, subject: Subject) -> anyhow::Result<Start> {
    let home = Home::new(harness, &Model::start()?)?;
    let from = Instant::now();
    let mut talk = Talk::start(subject.command(harness, &home))?;
    talk.ready(harness, subject, &home)?;
    let ready = from.elapsed().as_secs_f64() * 1000.0;
    std::thread::sleep(SETTLE);
    let (resident, proportional) = usage::tree(talk.pid())?;
    let another = match subject {
        Subject::Bare => None,
        Subject::Ours | Subject::Official => {
            let from = Instant::now();
            talk.session(ANOTHER, &home)?;
            Some(from.elapsed().as_secs_f64() * 1000.0)
        }
    };
    talk.end();
    Ok(Start { ready, resident: resident as f64, proportional: proportional as f64, another })
}

fn flood(harness: Harness, subject: Subject) -> anyhow::Result<Flood> {
    let home = Home::new(harness, &Model::start()?)?;
    home.write("big.txt", &"0123456789abcdef0123456789abcdef0123456789abcde\n".repeat(OUTPUT / 48))?;
    let mut talk = Talk::start(subject.command(harness, &home))?;
    let session = talk.ready(harness, subject, &home)?;
    let (total, silence) = talk.turn(&session, "print it")?;
    talk.end();
    Ok(Flood { total, silence })
}

fn milliseconds(value: f64) -> String {
    format!("{value:.0} ms")
}

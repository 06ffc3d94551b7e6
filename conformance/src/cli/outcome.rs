//! Helpers of all commands that judge: what to judge by, and what to print.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use super::args::{Format, Judge};
use super::exit::{Exit, usage};
use super::private;
use crate::core::baseline::Baseline;
use crate::core::catalogue;
use crate::core::history::{self, History};
use crate::core::report::{self, Report};
use crate::core::schema::{Schemas, releases};
use crate::core::subject::Subject;
use crate::core::suite::{Run, Suite};
use crate::v2;

/// Refuses selectors that select nothing.
pub(super) fn knows(suites: &[Suite], select: &[String]) -> anyhow::Result<()> {
    match select.iter().find(|selector| !suites.iter().any(|suite| suite.has(selector))) {
        Some(draft) if v2::agent::SUITE.has(draft) => {
            Err(usage(format!("--select {draft} selects checks of agents of version 2: agent --protocol 2")))
        }
        Some(draft) if v2::client::SUITE.has(draft) => {
            Err(usage(format!("--select {draft} selects checks of clients of version 2: client --protocol 2")))
        }
        Some(nothing) => {
            let why = match catalogue::find(nothing) {
                Some(_) => "is not checked here",
                None => "selects no check",
            };
            let hint = catalogue::hint(nothing);
            Err(usage(format!("--select {nothing} {why}; {hint}`acp-conformance list` shows them all")))
        }
        None => Ok(()),
    }
}

/// The server at this URL.
pub(super) fn server(url: &str) -> anyhow::Result<Subject> {
    let url = url.to_owned();
    match url.split_once("://").map(|(scheme, _)| scheme) {
        Some("ws") => Ok(Subject::Socket { url, scripted: false }),
        Some("http") => Ok(Subject::Http { url }),
        _ => Err(usage(format!(
            "{url} cannot be tested: only ws:// and http:// can; for TLS put a proxy without it before the server"
        ))),
    }
}

/// The schemas of the release that was asked for, for this version of the protocol.
pub(super) fn schemas(judge: &Judge, version: u8) -> anyhow::Result<Arc<Schemas>> {
    Schemas::of(judge.schema.as_deref(), version).ok_or_else(|| {
        let known: Vec<&str> = releases().filter(|release| Schemas::of(Some(release), version).is_some()).collect();
        let name = judge.schema.as_deref().unwrap_or("the newest");
        usage(format!("release {name} has no schemas of version {version}; these have: {}", known.join(", ")))
    })
}

/// Writes transcripts, one file per scenario.
pub(super) fn keep(folder: &Path, histories: &[History]) -> anyhow::Result<()> {
    let failed = |what: &Path, error: std::io::Error| usage(format!("cannot write {}: {error}", what.display()));
    private::create_directory(folder).map_err(|error| failed(folder, error))?;
    for history in histories {
        let path = folder.join(format!("{}.jsonl", history.scenario));
        let written = private::create(&path).and_then(|file| history::write(history, BufWriter::new(file)));
        written.map_err(|error| failed(&path, error))?;
    }
    Ok(())
}

/// Failures that are known.
pub(super) fn baseline(judge: &Judge) -> anyhow::Result<Baseline> {
    let Some(path) = &judge.baseline else { return Ok(Baseline::default()) };
    let text = fs::read_to_string(path)
        .map_err(|error| usage(format!("cannot read the baseline {}: {error}", path.display())))?;
    Baseline::parse(&text).map_err(|error| usage(error.to_string()))
}

/// Prints the report and says how to exit.
pub(super) fn tell(
    run: &Run,
    subject: String,
    again: String,
    judge: &Judge,
    baseline: &Baseline,
) -> anyhow::Result<Exit> {
    let mut report = Report::new(run, subject, again, baseline);
    report.require_exercised = judge.require_exercised;
    report.strict = judge.strict;
    let text = match judge.format {
        Format::Text => report::text(&report),
        Format::Json => report::json(&report),
        Format::Junit => report::junit(&report)?,
        Format::Tap => report::tap(&report),
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(exit(&report))
}

/// The exit code of a report. Nothing counts once the suite itself has failed.
fn exit(report: &Report<'_>) -> Exit {
    match report.errors().next() {
        Some(_) => Exit::SuiteBug,
        None if report.is_clean() => Exit::Ok,
        None => Exit::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::suite::CheckResult;
    use crate::core::verdict::Verdict;

    fn exit_of(verdicts: &[Verdict]) -> Exit {
        let ids = ["RPC-01", "RPC-02", "RPC-03"];
        let results = ids.iter().zip(verdicts).map(|(id, verdict)| CheckResult::bare(id, *verdict));
        let run = Run::of(results.collect());
        exit(&Report::new(&run, String::new(), String::new(), &Baseline::default()))
    }

    #[test]
    fn the_exit_code_says_what_a_run_came_to() {
        assert_eq!(exit_of(&[Verdict::Pass, Verdict::Warn, Verdict::NotExercised]), Exit::Ok);
        assert_eq!(exit_of(&[Verdict::Pass, Verdict::Fail]), Exit::Failed);
        assert_eq!(exit_of(&[Verdict::Fail, Verdict::Error, Verdict::Pass]), Exit::SuiteBug);
    }
}

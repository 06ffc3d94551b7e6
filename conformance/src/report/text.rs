//! For a person.

use std::fmt::Write;

use super::Report;
use crate::catalogue;
use crate::suite::CheckResult;
use crate::verdict::Verdict;

/// The report as text: what failed, what warns, what could not be shown, and how many of each.
#[must_use]
pub fn text(report: &Report<'_>) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write(report, &mut out);
    out
}

fn write(report: &Report<'_>, out: &mut String) -> std::fmt::Result {
    writeln!(out, "{}", report.subject)?;
    for verdict in [Verdict::Error, Verdict::Fail, Verdict::Warn, Verdict::Info] {
        for result in report.run.results.iter().filter(|result| report.counts_as(result) == verdict) {
            details(report, result, verdict, out)?;
        }
    }
    let ids = |verdict: Verdict| -> Vec<&str> {
        let of = report.run.results.iter().filter(|result| report.counts_as(result) == verdict);
        of.map(|result| result.id).collect()
    };
    for (verdict, heading) in
        [(Verdict::NotExercised, "Not exercised, so nothing is known of"), (Verdict::NotApplicable, "Not applicable")]
    {
        let ids = ids(verdict);
        if !ids.is_empty() {
            writeln!(out, "\n{heading}: {}", ids.join(", "))?;
            if let Some(why) = common(report, verdict) {
                writeln!(out, "      because   {why}")?;
            }
        }
    }
    for id in report.stale() {
        writeln!(out, "\n{id} is in the baseline and does not fail any more; take it out")?;
    }
    let counts = Verdict::ALL.map(|verdict| (report.count(verdict), verdict.as_str()));
    let counts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
    writeln!(out, "\n{}", counts.join(", "))
}

/// Why all checks came to this verdict, if it is the same for every check of the run.
fn common<'r>(report: &'r Report<'_>, verdict: Verdict) -> Option<&'r str> {
    let mut results = report.run.results.iter();
    let why = results.next().filter(|result| report.counts_as(result) == verdict)?.why.as_deref()?;
    results.all(|result| result.why.as_deref() == Some(why)).then_some(why)
}

fn details(report: &Report<'_>, result: &CheckResult, verdict: Verdict, out: &mut String) -> std::fmt::Result {
    let known = if report.baseline.expects(result) { " (in the baseline)" } else { "" };
    let name = verdict.as_str().to_uppercase();
    writeln!(out, "\n{name:<5} {} {}{known}  {}", result.id, result.level, result.requirement)?;
    if let Some(finding) = &result.finding {
        writeln!(out, "      expected  {}", finding.expected)?;
        writeln!(out, "      actual    {}", finding.actual)?;
    }
    if let Some(counts) = &result.flaky {
        let counts: Vec<String> = counts.iter().map(|(verdict, n)| format!("{n} {}", verdict.as_str())).collect();
        writeln!(out, "      because   not every run came to the same: {}", counts.join(", "))?;
    }
    if let Some(why) = &result.why {
        writeln!(out, "      because   {why}")?;
    }
    let page = catalogue::find(result.id).and_then(catalogue::Requirement::page);
    writeln!(out, "      spec      {}", page.as_deref().unwrap_or(result.source))?;
    if let Some(scenario) = &result.scenario {
        writeln!(out, "      scenario  {scenario}")?;
    }
    for line in &result.evidence {
        writeln!(out, "        {line}")?;
    }
    if matches!(verdict, Verdict::Fail | Verdict::Error) {
        writeln!(out, "      again     {}", report.again.replace("{}", result.id))?;
    }
    Ok(())
}

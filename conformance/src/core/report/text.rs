//! For a person. What the subject said is shown so that a terminal obeys none of it.

use std::fmt::Write;

use acp_types::printable;

use super::counted::Report;
use crate::core::catalogue;
use crate::core::suite::CheckResult;
use crate::core::verdict::Verdict;

/// The report as text: what failed, what warns, what could not be shown, and how many of each.
#[must_use]
pub fn text(report: &Report<'_>) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write(report, &mut out);
    out
}

fn write(report: &Report<'_>, out: &mut String) -> std::fmt::Result {
    writeln!(out, "{}", printable::line(&report.subject))?;
    for verdict in [Verdict::Error, Verdict::Fail, Verdict::Warn, Verdict::Info] {
        for result in report.run.results.iter().filter(|result| report.counts_as(result) == verdict) {
            details(report, result, verdict, out)?;
        }
    }
    for (verdict, heading) in
        [(Verdict::NotExercised, "Not exercised, so nothing is known of"), (Verdict::NotApplicable, "Not applicable")]
    {
        let reasons = by_reason(report, verdict);
        if !reasons.is_empty() {
            writeln!(out, "\n{heading}")?;
        }
        for (why, ids) in reasons {
            writeln!(out, "      {}: {}", ids.join(", "), printable::line(why))?;
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

/// The checks of a verdict, together that have the same reason.
fn by_reason<'r>(report: &Report<'r>, verdict: Verdict) -> Vec<(&'r str, Vec<&'r str>)> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for result in report.run.results.iter().filter(|result| report.counts_as(result) == verdict) {
        let why = result.why.as_deref().unwrap_or("it has no reason");
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, ids)) => ids.push(result.id),
            None => reasons.push((why, vec![result.id])),
        }
    }
    reasons
}

fn details(report: &Report<'_>, result: &CheckResult, verdict: Verdict, out: &mut String) -> std::fmt::Result {
    let known = if report.is_known(result) { " (in the baseline)" } else { "" };
    let name = verdict.as_str().to_uppercase();
    writeln!(out, "\n{name:<5} {} {}{known}  {}", result.id, result.level, result.requirement)?;
    if let Some(finding) = &result.finding {
        writeln!(out, "      expected  {}", printable::line(&finding.expected))?;
        writeln!(out, "      actual    {}", printable::line(&finding.actual))?;
    }
    if let Some(counts) = &result.flaky {
        let counts: Vec<String> = counts.iter().map(|(verdict, n)| format!("{n} {}", verdict.as_str())).collect();
        writeln!(out, "      because   not every run came to the same: {}", counts.join(", "))?;
    }
    if let Some(why) = &result.why {
        writeln!(out, "      because   {}", printable::line(why))?;
    }
    let page = catalogue::find(result.id).and_then(catalogue::Requirement::page);
    writeln!(out, "      spec      {}", page.as_deref().unwrap_or(result.source))?;
    if let Some(scenario) = &result.scenario {
        writeln!(out, "      scenario  {scenario}")?;
    }
    for line in &result.evidence {
        writeln!(out, "        {}", printable::line(line))?;
    }
    if matches!(verdict, Verdict::Fail | Verdict::Error) {
        writeln!(out, "      again     {}", printable::line(&report.again.replace("{}", result.id)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::baseline::Baseline;
    use crate::core::suite::Run;
    use crate::core::verdict::Outcome;

    #[test]
    fn what_a_subject_said_reaches_no_terminal_raw() {
        let orders = "\u{1b}[2J\u{9b}\u{202e}\r\nFAIL forged";
        let Outcome::Broken(finding) = Outcome::broken(orders, orders, Vec::new()) else { panic!() };
        let mut result = CheckResult::bare("RPC-01", Verdict::Fail);
        result.finding = Some(finding);
        result.why = Some(orders.to_owned());
        result.evidence = vec![orders.to_owned()];
        let run = Run::of(vec![result]);
        let (baseline, subject) = (Baseline::default(), orders.to_owned());
        let report = Report::new(&run, subject, orders.to_owned(), &baseline);
        let junit = crate::core::report::junit(&report).unwrap();
        for shown in [text(&report), crate::core::report::json(&report), crate::core::report::tap(&report), junit] {
            let raw = shown.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
            assert_eq!(raw, None, "{shown:?}");
        }
        assert!(!text(&report).lines().any(|line| line.starts_with("FAIL forged")));
    }
}

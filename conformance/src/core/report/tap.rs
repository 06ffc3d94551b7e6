//! Test Anything Protocol, version 13.

use std::fmt::Write;

use acp_types::printable;

use super::counted::Report;
use crate::core::verdict::Verdict;

/// Text as YAML and JSON have it.
fn quoted(text: &str) -> String {
    printable::json(&serde_json::Value::from(text).to_string()).into_owned()
}

/// One point per check. What was not exercised or is not applicable is skipped, with the reason; a known failure is a
/// `TODO`.
#[must_use]
pub fn tap(report: &Report<'_>) -> String {
    let mut out = format!("TAP version 13\n1..{}\n", report.run.results.len());
    for (number, result) in report.run.results.iter().enumerate() {
        let verdict = report.counts_as(result);
        let ok = if matches!(verdict, Verdict::Fail | Verdict::Error) { "not ok" } else { "ok" };
        let why = result.why.as_deref().unwrap_or_default().replace(['#', '\n'], " ");
        let why = printable::line(&why);
        let directive = match verdict {
            Verdict::NotExercised | Verdict::NotApplicable => format!(" # SKIP {}: {why}", verdict.as_str()),
            Verdict::Fail if report.is_known(result) => " # TODO in the baseline".to_owned(),
            _ => String::new(),
        };
        // Writing to a string does not fail.
        let _ = writeln!(out, "{ok} {} - {}{directive}", number + 1, result.id);
        if verdict == Verdict::Error {
            let _ = writeln!(out, "  ---\n  verdict: error\n  message: {}\n  ...", quoted(&why));
        }
        if let Some(finding) = &result.finding {
            let _ = writeln!(out, "  ---\n  verdict: {}", verdict.as_str());
            let _ = writeln!(out, "  requirement: {}", quoted(result.requirement));
            let _ = writeln!(out, "  expected: {}\n  actual: {}", quoted(&finding.expected), quoted(&finding.actual));
            let _ = writeln!(out, "  ...");
        }
    }
    out
}

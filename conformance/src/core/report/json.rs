//! JSON Lines.

use acp_types::printable;
use serde_json::json;

use super::counted::Report;
use crate::core::verdict::Verdict;

/// One line per check, then one with the counts. The members are stable; more may come.
#[must_use]
pub fn json(report: &Report<'_>) -> String {
    let mut out = String::new();
    for result in &report.run.results {
        let mut line = json!(result);
        line["counts_as"] = json!(report.counts_as(result));
        line["known"] = json!(report.is_known(result));
        out.push_str(&printable::json(&line.to_string()));
        out.push('\n');
    }
    let counts: serde_json::Map<_, _> =
        Verdict::ALL.iter().map(|verdict| (verdict.as_str().to_owned(), json!(report.count(*verdict)))).collect();
    let end = json!({
        "summary": 1,
        "subject": report.subject,
        "counts": counts,
        "stale": report.stale(),
        "clean": report.is_clean(),
    });
    out.push_str(&printable::json(&end.to_string()));
    out.push('\n');
    out
}

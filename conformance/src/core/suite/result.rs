//! Result of one check, with the lines that show it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::core::catalogue::Level;
use crate::core::check::Check;
use crate::core::history::{Case, History, cut};
use crate::core::verdict::{Finding, Outcome, Verdict};

/// The result of one check.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct CheckResult {
    /// Id of the check.
    pub id: &'static str,
    /// Level of its requirement.
    pub level: Level,
    /// Its verdict.
    pub verdict: Verdict,
    /// The requirement.
    pub requirement: &'static str,
    /// Where it is written.
    pub source: &'static str,
    /// The scenario that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// Expected and actual observation.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
    /// The reason why there is nothing to judge, or a remark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Number of each verdict, if they differ between runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flaky: Option<BTreeMap<Verdict, usize>>,
    /// The lines that show it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

pub(super) fn result(check: &Check, case: Option<&Case<'_>>, outcome: Outcome) -> Option<CheckResult> {
    let requirement = check.requirement()?;
    let verdict = outcome.verdict(requirement.level);
    let (finding, why) = match outcome {
        Outcome::Broken(finding) | Outcome::Doubtful(finding) => (Some(finding), None),
        Outcome::Info(why) | Outcome::NotApplicable(why) | Outcome::NotExercised(why) | Outcome::Error(why) => {
            (None, Some(why))
        }
        Outcome::Pass => (None, None),
    };
    let places = finding.as_ref().map(|finding| finding.places.as_slice()).unwrap_or_default();
    let evidence = case.map(|case| evidence(case.history(), places)).unwrap_or_default();
    Some(CheckResult {
        id: check.id,
        level: requirement.level,
        verdict,
        requirement: &requirement.text,
        source: &requirement.source,
        scenario: case.map(|case| case.history().scenario.clone()),
        finding,
        why,
        flaky: None,
        evidence,
    })
}

/// The lines of a history at these places.
fn evidence(history: &History, places: &[usize]) -> Vec<String> {
    const MAX: usize = 300;
    let shown = places.iter().filter_map(|place| history.events.get(*place));
    shown
        .map(|event| {
            let (arrow, text) = event.what.shown();
            let seconds = std::time::Duration::from_micros(event.at).as_secs_f64();
            format!("{arrow} {seconds:>8.3} s  {}", cut(text, MAX))
        })
        .collect()
}

#[cfg(test)]
impl CheckResult {
    /// A result with nothing that shows it.
    pub(crate) fn bare(id: &'static str, verdict: Verdict) -> Self {
        Self {
            id,
            level: Level::Must,
            verdict,
            requirement: "what",
            source: "where",
            scenario: None,
            finding: None,
            why: None,
            flaky: None,
            evidence: Vec::new(),
        }
    }
}

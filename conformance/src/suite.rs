//! Plays scenarios, judges their histories, and says what it all came to.

use std::sync::Arc;

use futures_util::StreamExt;
use serde::Serialize;

use crate::catalogue::{self, Level};
use crate::check::Check;
use crate::history::{Case, History};
use crate::probe::{Limits, Probe, Stop};
use crate::scenario::Scenario;
use crate::schema::{Schemas, Side};
use crate::subject::Subject;
use crate::transport;
use crate::verdict::{Finding, Outcome, Verdict};

/// A set of scenarios with what is asked of every history.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "written as a constant")]
pub struct Suite {
    /// What its subjects are.
    pub subject: Side,
    /// What is done to them.
    pub scenarios: &'static [Scenario],
    /// What is asked of every history.
    pub passive: &'static [Check],
}

/// What to play and how.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "callers write it out")]
pub struct Options {
    /// Only checks that one of these names: an id, or the beginning of one up to a hyphen. All if empty.
    pub select: Vec<String>,
    /// How long things may take.
    pub limits: Limits,
    /// Scenarios that are played at once, at least one.
    pub jobs: usize,
    /// What messages are held against.
    pub schemas: Arc<Schemas>,
}

/// What a run came to.
#[derive(Debug)]
#[non_exhaustive]
pub struct Run {
    /// What happened.
    pub histories: Vec<History>,
    /// One result for each check that was selected, in the order of the catalogue.
    pub results: Vec<CheckResult>,
    /// Why nothing could be tested, if nothing could.
    pub not_started: Option<String>,
}

/// The result of one check.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct CheckResult {
    /// Id of the check.
    pub id: &'static str,
    /// Level of its requirement.
    pub level: Level,
    /// What it came to.
    pub verdict: Verdict,
    /// The requirement.
    pub requirement: &'static str,
    /// Where it is written.
    pub source: &'static str,
    /// The scenario that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// What was to be seen and what was.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
    /// Why there is nothing to judge, or what is worth saying.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The lines that show it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

/// Every suite, in the order in which tables show them.
#[must_use]
pub fn all() -> [Suite; 8] {
    use crate::{agent, agent2, bridge, client, client2, http};
    [
        agent::SUITE,
        agent::SOCKET,
        http::SUITE,
        client::SUITE,
        bridge::SUITE,
        bridge::DURABLE,
        agent2::SUITE,
        client2::SUITE,
    ]
}

impl Suite {
    /// Every check of the suite with the scenario that it asks about; `None`: it asks about all.
    pub fn checks(&self) -> impl Iterator<Item = (&'static Check, Option<&'static Scenario>)> {
        let own = self.scenarios.iter().flat_map(|scenario| scenario.checks.iter().map(move |c| (c, Some(scenario))));
        own.chain(self.passive.iter().map(|check| (check, None)))
    }

    /// Whether anything in the suite is selected by `selector`.
    #[must_use]
    pub fn has(&self, selector: &str) -> bool {
        self.checks().any(|(check, _)| check.is_selected_by(selector))
    }

    /// The scenarios that show what is selected: all of them if something is that concerns every history.
    #[must_use]
    pub fn selected(&self, select: &[String]) -> Vec<&'static Scenario> {
        let chosen = |check: &Check| select.is_empty() || select.iter().any(|selector| check.is_selected_by(selector));
        let all = self.passive.iter().any(chosen);
        self.scenarios.iter().filter(|scenario| all || scenario.checks.iter().any(chosen)).collect()
    }

    /// Plays what is selected against the subject and judges it. Dropping the future ends the subject's processes.
    pub async fn run(&self, subject: Arc<Subject>, options: &Options) -> Run {
        let (histories, not_started) = self.play(subject, self.selected(&options.select), options).await;
        let results = self.judge(&histories, &options.select, &options.schemas);
        Run { histories, results, not_started }
    }

    /// Plays these scenarios: what happened, and why nothing could be tested if nothing could. Dropping the future ends
    /// the subject's processes.
    pub async fn play(
        &self,
        subject: Arc<Subject>,
        scenarios: Vec<&'static Scenario>,
        options: &Options,
    ) -> (Vec<History>, Option<String>) {
        let play = |scenario: &'static Scenario| play(Arc::clone(&subject), options.limits, scenario);
        let scenarios = futures_util::stream::iter(scenarios.into_iter().map(play));
        let played: Vec<_> = scenarios.buffered(options.jobs.max(1)).collect().await;
        let not_started = not_started(&played);
        (played.into_iter().filter_map(|(history, _)| history).collect(), not_started)
    }

    /// Judges histories that were recorded before.
    #[must_use]
    pub fn judge(&self, histories: &[History], select: &[String], schemas: &Arc<Schemas>) -> Vec<CheckResult> {
        let cases: Vec<Case<'_>> =
            histories.iter().map(|history| Case::new(history, self.subject, Arc::clone(schemas))).collect();
        let selected = |check: &Check| select.is_empty() || select.iter().any(|s| check.is_selected_by(s));
        let mut results: Vec<CheckResult> = Vec::new();
        for (check, scenario) in self.checks().filter(|(check, _)| selected(check)) {
            let asked = cases.iter().filter(|case| scenario.is_none_or(|s| case.history().scenario == s.name));
            let outcomes = asked.map(|case| (Some(case), transport::judge(check, case)));
            let decided =
                outcomes.reduce(|known, new| if known.1.clone().and(new.1.clone()) == known.1 { known } else { new });
            let (case, outcome) =
                decided.unwrap_or_else(|| (None, Outcome::NotExercised("its scenario was not played".to_owned())));
            results.extend(result(check, case, outcome));
        }
        in_order(&mut results);
        results
    }
}

/// Plays what is selected of several suites against one subject and judges each suite's checks. Dropping the future ends
/// the subject's processes.
pub async fn run_all(suites: &[Suite], subject: Arc<Subject>, options: &Options) -> Run {
    let (mut histories, mut not_started) = (Vec::new(), None);
    for suite in suites {
        let scenarios = suite.selected(&options.select);
        let (played, failed) = suite.play(Arc::clone(&subject), scenarios, options).await;
        // What has once started and then did not any more is judged.
        not_started = if histories.is_empty() { failed } else { not_started };
        histories.extend(played);
    }
    let results = judge_all(suites, &histories, &options.select, &options.schemas);
    Run { histories, results, not_started }
}

/// Judges histories that were recorded before by several suites.
#[must_use]
pub fn judge_all(
    suites: &[Suite],
    histories: &[History],
    select: &[String],
    schemas: &Arc<Schemas>,
) -> Vec<CheckResult> {
    let mut results: Vec<_> = suites.iter().flat_map(|suite| suite.judge(histories, select, schemas)).collect();
    in_order(&mut results);
    results
}

/// As the catalogue has them.
fn in_order(results: &mut [CheckResult]) {
    let place = |id: &str| {
        let requirement = catalogue::find(id)?;
        catalogue::all().iter().position(|of| of.id == requirement.id)
    };
    results.sort_by_cached_key(|result| (place(result.id), result.id));
}

async fn play(subject: Arc<Subject>, limits: Limits, scenario: &Scenario) -> (Option<History>, Result<(), Stop>) {
    let mut probe = match Probe::new(subject, limits, scenario.name) {
        Ok(probe) => probe,
        Err(error) => return (None, Err(error.into())),
    };
    let played = (scenario.play)(&mut probe).await;
    if let Err(stop) = &played {
        tracing::info!(scenario = scenario.name, %stop, "the scenario ended early");
    }
    (Some(probe.finish().await), played)
}

/// Why nothing was tested: every scenario failed to start its subject, or got no single message from it.
fn not_started(played: &[(Option<History>, Result<(), Stop>)]) -> Option<String> {
    let silent =
        |history: &History| !history.events.iter().any(|e| matches!(e.what, crate::history::What::Received { .. }));
    // A scenario may have talked to somebody else before it tried.
    let failed = |(history, played): &(Option<History>, Result<(), Stop>)| {
        history.as_ref().is_none_or(silent) || matches!(played, Err(Stop::Start(_)))
    };
    if played.is_empty() || !played.iter().all(failed) {
        return None;
    }
    let stop = played.iter().find_map(|(_, played)| played.as_ref().err())?;
    let stderr = played.iter().filter_map(|(history, _)| history.as_ref()).find_map(|history| {
        history.events.iter().rev().find_map(|event| match &event.what {
            crate::history::What::Stderr { text } => Some(text.clone()),
            _ => None,
        })
    });
    Some(match stderr {
        Some(text) => format!("{stop}; its stderr ends: {text}"),
        None => format!("{stop}; it wrote nothing to stdout or stderr"),
    })
}

fn result(check: &Check, case: Option<&Case<'_>>, outcome: Outcome) -> Option<CheckResult> {
    let requirement = check.requirement()?;
    let verdict = outcome.verdict(requirement.level);
    let (finding, why) = match outcome {
        Outcome::Broken(finding) | Outcome::Doubtful(finding) => (Some(finding), None),
        Outcome::Info(why) | Outcome::NotApplicable(why) | Outcome::NotExercised(why) => (None, Some(why)),
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
            let mut text = text;
            if text.len() > MAX {
                let mut end = MAX;
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                text.truncate(end);
                text.push('…');
            }
            let seconds = std::time::Duration::from_micros(event.at).as_secs_f64();
            format!("{arrow} {seconds:>8.3} s  {text}")
        })
        .collect()
}

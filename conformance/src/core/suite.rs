//! Plays scenarios, judges their histories, and says what it all came to.

mod play;
mod repeat;
mod result;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::StreamExt;

use crate::core::applies;
use crate::core::catalogue;
use crate::core::check::Check;
use crate::core::fault;
use crate::core::history::{Case, History};
use crate::core::probe::Limits;
use crate::core::scenario::Scenario;
use crate::core::schema::{Schemas, Side};
use crate::core::subject::Subject;
use crate::core::verdict::Outcome;
use play::{hold, is_mute, not_started, play};
use result::result;

pub use repeat::merge;
pub use result::CheckResult;

/// A set of scenarios with what is asked of every history.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "written as a constant")]
pub struct Suite {
    /// The side of its subjects.
    pub subject: Side,
    /// Scenarios that are played against them.
    pub scenarios: &'static [Scenario],
    /// Checks of every history.
    pub invariants: &'static [Check],
}

/// Options of a run.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "callers write it out")]
pub struct Options {
    /// Only checks that one of these names: an id, or the beginning of one up to a hyphen. All if empty.
    pub select: Vec<String>,
    /// Limits of how long things may take.
    pub limits: Limits,
    /// Scenarios that are played at once, at least one.
    pub jobs: usize,
    /// Schemas of the messages.
    pub schemas: Arc<Schemas>,
}

/// Outcome of a run.
#[derive(Debug)]
#[non_exhaustive]
pub struct Run {
    /// Histories of the scenarios.
    pub histories: Vec<History>,
    /// One result for each check that was selected, in the order of the catalogue.
    pub results: Vec<CheckResult>,
    /// The reason why nothing could be tested, if nothing could.
    pub not_started: Option<String>,
}

impl Run {
    /// A run of these results, whose histories are not needed any more.
    #[must_use]
    pub const fn of(results: Vec<CheckResult>) -> Self {
        Self { histories: Vec::new(), results, not_started: None }
    }
}

impl Suite {
    /// Every check of the suite with the scenario that it asks about; `None`: it asks about all.
    pub fn checks(&self) -> impl Iterator<Item = (&'static Check, Option<&'static Scenario>)> {
        let own = self.scenarios.iter().flat_map(|scenario| scenario.checks.iter().map(move |c| (c, Some(scenario))));
        own.chain(self.invariants.iter().map(|check| (check, None)))
    }

    /// Returns whether anything in the suite is selected by `selector`.
    #[must_use]
    pub fn has(&self, selector: &str) -> bool {
        self.checks().any(|(check, _)| check.is_selected_by(selector))
    }

    /// The scenarios that show what is selected: all of them if something is that concerns every history.
    #[must_use]
    pub fn selected(&self, select: &[String]) -> Vec<&'static Scenario> {
        let chosen = |check: &Check| select.is_empty() || select.iter().any(|selector| check.is_selected_by(selector));
        let all = self.invariants.iter().any(chosen);
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
        let play = |(place, scenario): (usize, &'static Scenario)| {
            let played = play(Arc::clone(&subject), options.limits, scenario);
            async move { (place, played.await) }
        };
        let (mut played, mut scenarios) = (Vec::new(), scenarios.into_iter().enumerate());
        // Of a subject that does not say one sensible word nobody wants to wait for more.
        if let Some(first) = scenarios.next() {
            played.push(play(first).await);
        }
        if !played.iter().all(|(_, played)| is_mute(played)) {
            let held = hold(&subject, options.limits).await;
            let others = futures_util::stream::iter(scenarios.map(play));
            // A long one does not hold up those behind it.
            played.extend(others.buffer_unordered(options.jobs.max(1)).collect::<Vec<_>>().await);
            if let Some(held) = held {
                held.finish().await;
            }
        }
        played.sort_unstable_by_key(|(place, _)| *place);
        let played: Vec<_> = played.into_iter().map(|(_, played)| played).collect();
        let not_started = not_started(&played);
        (played.into_iter().map(|(history, _)| history).collect(), not_started)
    }

    /// Judges histories that were recorded before.
    #[must_use]
    pub fn judge(&self, histories: &[History], select: &[String], schemas: &Arc<Schemas>) -> Vec<CheckResult> {
        let cases: Vec<Case<'_>> =
            histories.iter().map(|history| Case::new(history, self.subject, Arc::clone(schemas))).collect();
        let faults: Vec<Option<String>> = cases.iter().map(fault::of).collect();
        let selected = |check: &Check| select.is_empty() || select.iter().any(|s| check.is_selected_by(s));
        let mut results: Vec<CheckResult> = Vec::new();
        for (check, scenario) in self.checks().filter(|(check, _)| selected(check)) {
            let asked = cases.iter().zip(&faults);
            let asked = asked.filter(|(case, _)| scenario.is_none_or(|s| case.history().scenario == s.name));
            let outcomes = asked.map(|(case, fault)| (Some(case), ask(check, case, fault.as_deref())));
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
    results.sort_by_key(|result| (catalogue::place(result.id), result.id));
}

/// Asks a check about a history. What has a fault of our own shows nothing of the subject.
fn ask(check: &Check, case: &Case<'_>, fault: Option<&str>) -> Outcome {
    if let Some(why) = fault {
        return Outcome::Error(why.to_owned());
    }
    let asked = std::panic::catch_unwind(AssertUnwindSafe(|| applies::judge(check, case)));
    asked.unwrap_or_else(|panic| Outcome::Error(format!("the check panicked: {}", fault::panicked(&*panic))))
}

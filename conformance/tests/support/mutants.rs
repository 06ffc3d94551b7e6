//! The runner of all mutant tests: a peer that is broken in one way fails that check, and no other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use conformance::probe::Limits;
use conformance::scenario::Scenario;
use conformance::schema::Schemas;
use conformance::subject::Subject;
use conformance::suite::{CheckResult, Options, Suite};
use conformance::verdict::Verdict;
use futures_util::StreamExt as _;

/// Checks that a mock can be made to fail, each with the others that the same fault makes fail.
pub type Table = &'static [(&'static str, &'static [&'static str])];

/// Limits of so long for all that is waited for, and short ones for silence.
pub fn limits(limit: Duration) -> Limits {
    Limits { step: limit, turn: limit, quiet: Duration::from_millis(50), grace: Duration::from_secs(1) }
}

/// Options with these limits, with every check.
pub fn options(version: u8, limits: Limits) -> Options {
    let schemas = Schemas::of(None, version).expect("the newest schemas");
    Options { select: Vec::new(), limits, jobs: 4, schemas }
}

/// Plays scenarios of a suite against a subject, and judges everything.
pub async fn judge(
    suite: Suite,
    subject: Arc<Subject>,
    scenarios: Vec<&'static Scenario>,
    options: Options,
) -> Vec<CheckResult> {
    let (histories, _) = suite.play(subject, scenarios, &options).await;
    // Judging takes a while and would hold up the others' scenarios, which have little time.
    let judged = tokio::task::spawn_blocking(move || suite.judge(&histories, &[], &options.schemas)).await;
    judged.expect("a judgement")
}

/// The scenarios of a suite that show whether a check fails: its own, or those that `telling` names for a check that asks
/// every history.
pub fn shown_by(suite: &Suite, id: &str, telling: fn(&str) -> &'static [&'static str]) -> Vec<&'static Scenario> {
    let asks_all = suite.invariants.iter().any(|check| check.id == id);
    let of = |scenario: &&Scenario| match asks_all {
        true => telling(id).contains(&scenario.name),
        false => scenario.checks.iter().any(|check| check.id == id),
    };
    suite.scenarios.iter().filter(of).collect()
}

/// Whether a result is held against the subject.
pub fn wrong(result: &CheckResult) -> bool {
    matches!(result.verdict, Verdict::Fail | Verdict::Warn | Verdict::Error)
}

/// Whether a result is held against the subject, or only told.
pub fn told(result: &CheckResult) -> bool {
    wrong(result) || result.verdict == Verdict::Info
}

/// Fails unless every result is a pass.
#[track_caller]
pub fn all_pass(results: &[CheckResult]) {
    none(results, |result| result.verdict != Verdict::Pass);
}

/// Fails if a result is odd.
#[track_caller]
pub fn none(results: &[CheckResult], odd: impl Fn(&CheckResult) -> bool) {
    let odd: Vec<&CheckResult> = results.iter().filter(|result| odd(result)).collect();
    assert!(odd.is_empty(), "{odd:#?}");
}

/// Tests each mutant, so many at once: `odd` has to be what it is told about its check, and perhaps about those that the
/// table has beside it, and about no other.
pub async fn each_fails_its_check(
    table: impl IntoIterator<Item = &'static (&'static str, &'static [&'static str])>,
    at_once: usize,
    odd: fn(&CheckResult) -> bool,
    test: impl AsyncFn(&'static str) -> Vec<CheckResult>,
) {
    let test = &test;
    let tried = table.into_iter().map(|(id, also)| async move {
        let results = test(id).await;
        let told: Vec<&CheckResult> = results.iter().filter(|result| odd(result)).collect();
        let ids: BTreeSet<&str> = told.iter().map(|result| result.id).collect();
        let allowed: BTreeSet<&str> = also.iter().copied().chain([*id]).collect();
        let good = ids.contains(id) && ids.is_subset(&allowed);
        (!good).then(|| format!("what breaks {id} was told {ids:?}: {told:#?}"))
    });
    let tried = futures_util::stream::iter(tried).buffer_unordered(at_once);
    let unlike: Vec<String> = tried.filter_map(std::future::ready).collect().await;
    assert!(unlike.is_empty(), "{}", unlike.join("\n"));
}

/// Fails unless every check of the suite has a requirement and a mutant.
#[track_caller]
pub fn every_check_has_a_mutant(suite: &Suite, table: Table) {
    let broken: BTreeSet<&str> = table.iter().map(|(id, _)| *id).collect();
    for (check, _) in suite.checks() {
        assert!(check.requirement().is_some(), "{} is in no catalogue", check.id);
        assert!(broken.contains(check.id), "no peer is broken so as to fail {}", check.id);
    }
}

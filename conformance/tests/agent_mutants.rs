//! Every check of an agent can pass, and can fail: a good agent passes them all, and for each there is an agent that is
//! broken in one way and fails exactly this one.

mod support;

use std::sync::Arc;
use std::time::Duration;

use conformance::mock::{self, Breaks, Store};
use conformance::scenario::Scenario;
use conformance::subject::Subject;
use conformance::suite::CheckResult;
use conformance::v1::agent::SUITE;
use conformance::verdict::Verdict;
use support::mutants;

/// What is played for a check that asks every history, by how its id begins.
fn telling(id: &str) -> &'static [&'static str] {
    let family = id.split('-').next().unwrap_or_default();
    match (family, id) {
        (_, "RPC-11" | "RPC-12") => &["services"],
        ("RPC" | "ERR" | "TRANSPORT", _) => &["initialize", "refusals", "permission"],
        ("LIST", "LIST-15") => &["list"],
        ("SUB", _) => &["children"],
        ("CURSOR" | "SUGGEST", _) | (_, "PLAN-07" | "PLAN-08" | "PLAN-09") => &["drafts"],
        ("CANCEL", _) => &["permission"],
        ("CONFIG" | "MODE", _) => &["settings"],
        _ => &["services"],
    }
}

/// Plays scenarios against an agent that is broken so, and judges everything.
async fn judge(breaks: Breaks, scenarios: Vec<&'static Scenario>, limit: Duration) -> Vec<CheckResult> {
    let store = Store::default();
    let make = Box::new(move || mock::inside(breaks.clone(), store.clone()));
    let subject = Arc::new(Subject::Inside { name: "the mock agent".to_owned(), make });
    mutants::judge(SUITE, subject, scenarios, mutants::options(1, mutants::limits(limit))).await
}

#[tokio::test]
async fn a_good_agent_fails_nothing_and_everything_about_it_is_exercised() {
    let results = judge(Breaks::default(), SUITE.scenarios.iter().collect(), Duration::from_secs(30)).await;
    // What a MAY is about is only told.
    mutants::none(&results, |result| mutants::told(result) || result.verdict == Verdict::NotExercised);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_is_broken_in_one_way_fails_that_check_and_no_other() {
    mutants::each_fails_its_check(mock::agent_breaks(), 8, mutants::told, async |id| {
        let scenarios = mutants::shown_by(&SUITE, id, telling);
        judge(Breaks::of(id).expect("a known break"), scenarios, Duration::from_secs(4)).await
    })
    .await;
}

#[test]
fn every_check_has_a_requirement_and_a_broken_agent() {
    mutants::every_check_has_a_mutant(&SUITE, mock::agent_breaks());
}

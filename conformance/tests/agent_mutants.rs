//! Every check of an agent can pass, and can fail: a good agent passes them all, and for each there is an agent that is
//! broken in one way and fails exactly this one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use conformance::mock::{self, Breaks, Store};
use conformance::probe::Limits;
use conformance::scenario::Scenario;
use conformance::schema::Schemas;
use conformance::subject::Subject;
use conformance::suite::{CheckResult, Options};
use conformance::v1::agent::SUITE;
use conformance::verdict::Verdict;
use futures_util::StreamExt;

/// What is played for a check that asks every history, by how its id begins.
fn telling(id: &str) -> &'static [&'static str] {
    let family = id.split('-').next().unwrap_or_default();
    match (family, id) {
        (_, "RPC-11" | "RPC-12") => &["services"],
        ("RPC" | "ERR" | "TRANSPORT", _) => &["initialize", "refusals", "permission"],
        ("LIST", "LIST-15") => &["list"],
        ("CANCEL", _) => &["permission"],
        ("CONFIG" | "MODE", _) => &["settings"],
        _ => &["services"],
    }
}

fn options(limit: Duration) -> Options {
    Options {
        select: Vec::new(),
        limits: Limits { step: limit, turn: limit, quiet: Duration::from_millis(50), grace: Duration::from_secs(1) },
        jobs: 4,
        schemas: Schemas::of(None, 1).expect("the newest schemas"),
    }
}

/// Plays scenarios against an agent that is broken so, and judges everything.
async fn judge(breaks: Breaks, scenarios: Vec<&'static Scenario>, limit: Duration) -> Vec<CheckResult> {
    let store = Store::default();
    let make = Box::new(move || mock::inside(breaks.clone(), store.clone()));
    let subject = Arc::new(Subject::Inside { name: "the mock agent".to_owned(), make });
    let options = options(limit);
    let (histories, _) = SUITE.play(subject, scenarios, &options).await;
    // Judging takes a while and would hold up the others' scenarios, which have little time.
    let judged = tokio::task::spawn_blocking(move || SUITE.judge(&histories, &[], &options.schemas)).await;
    judged.expect("a judgement")
}

/// The scenarios that show whether a check fails.
fn shown_by(id: &str) -> Vec<&'static Scenario> {
    let passive = SUITE.passive.iter().any(|check| check.id == id);
    let of = |scenario: &&Scenario| match passive {
        true => telling(id).contains(&scenario.name),
        false => scenario.checks.iter().any(|check| check.id == id),
    };
    SUITE.scenarios.iter().filter(of).collect()
}

fn wrong(result: &CheckResult) -> bool {
    let told = matches!(result.verdict, Verdict::Fail | Verdict::Warn | Verdict::Error);
    // What a MAY is about is only told.
    told || result.verdict == Verdict::Info
}

#[tokio::test]
async fn a_good_agent_fails_nothing_and_everything_about_it_is_exercised() {
    let results = judge(Breaks::default(), SUITE.scenarios.iter().collect(), Duration::from_secs(30)).await;
    let bad: Vec<&CheckResult> = results.iter().filter(|r| wrong(r) || r.verdict == Verdict::NotExercised).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_is_broken_in_one_way_fails_that_check_and_no_other() {
    let tried = futures_util::stream::iter(mock::agent_breaks().iter().map(|(id, also)| async move {
        let results = judge(Breaks::of(id).expect("a known break"), shown_by(id), Duration::from_secs(4)).await;
        let wrong: BTreeSet<&str> = results.iter().filter(|result| wrong(result)).map(|result| result.id).collect();
        let allowed: BTreeSet<&str> = also.iter().copied().chain([*id]).collect();
        let good = wrong.contains(id) && wrong.is_subset(&allowed);
        (!good).then(|| format!("an agent that breaks {id} was told {wrong:?}"))
    }));
    let unlike: Vec<String> = tried.buffer_unordered(8).filter_map(std::future::ready).collect().await;
    assert!(unlike.is_empty(), "{unlike:#?}");
}

#[test]
fn every_check_has_a_requirement_and_a_broken_agent() {
    let broken: BTreeSet<&str> = mock::agent_breaks().iter().map(|(id, _)| *id).collect();
    for (check, _) in SUITE.checks() {
        assert!(check.requirement().is_some(), "{} is in no catalogue", check.id);
        assert!(broken.contains(check.id), "there is no agent that is broken so as to fail {}", check.id);
    }
}

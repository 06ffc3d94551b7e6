//! A good bridge passes every check of the bridge suite, and for each there is one that is broken in one way and fails
//! exactly this one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use conformance::bridge::SUITE;
use conformance::mock::{self, Breaks, Store};
use conformance::probe::Limits;
use conformance::schema::Schemas;
use conformance::subject::Subject;
use conformance::suite::{CheckResult, Options};
use conformance::verdict::Verdict;
use futures_util::StreamExt;

/// Turns end, however busy the machine is; what a broken peer never sends is waited for by the step.
const TURN: Duration = Duration::from_secs(60);

/// Tests a bridge that is broken so, with a good agent behind it.
async fn test(breaks: Breaks, limit: Duration) -> Vec<CheckResult> {
    let store = Store::default();
    let make = move || mock::bridged(mock::inside(Breaks::default(), store.clone()), breaks.clone());
    let subject = Arc::new(Subject::Inside { name: "the mock bridge".to_owned(), make: Box::new(make) });
    let options = Options {
        select: Vec::new(),
        limits: Limits { step: limit, turn: TURN, quiet: Duration::from_millis(50), grace: Duration::from_secs(1) },
        jobs: 4,
        schemas: Schemas::of(None, 1).expect("the newest schemas"),
    };
    let (histories, not_started) = SUITE.play(subject, SUITE.selected(&[]), &options).await;
    assert_eq!(not_started, None);
    SUITE.judge(&histories, &[], &options.schemas)
}

fn wrong(result: &CheckResult) -> bool {
    matches!(result.verdict, Verdict::Fail | Verdict::Warn | Verdict::Error)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_bridge_fails_nothing_and_everything_about_it_is_exercised() {
    let results = test(Breaks::default(), Duration::from_secs(30)).await;
    let bad: Vec<&CheckResult> = results.iter().filter(|result| result.verdict != Verdict::Pass).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_that_is_broken_in_one_way_fails_that_check_and_no_other() {
    let tried = futures_util::stream::iter(mock::bridge_breaks().iter().map(|(id, also)| async move {
        let results = test(Breaks::of(id).expect("a known break"), Duration::from_secs(10)).await;
        let told: BTreeSet<&str> = results.iter().filter(|result| wrong(result)).map(|result| result.id).collect();
        let allowed: BTreeSet<&str> = also.iter().copied().chain([*id]).collect();
        let good = told.contains(id) && told.is_subset(&allowed);
        (!good).then(|| format!("a bridge that breaks {id} was told {told:?}"))
    }));
    let unlike: Vec<String> = tried.buffer_unordered(2).filter_map(std::future::ready).collect().await;
    assert!(unlike.is_empty(), "{unlike:#?}");
}

#[test]
fn every_check_of_a_bridge_has_a_broken_bridge() {
    let broken: BTreeSet<&str> = mock::bridge_breaks().iter().map(|(id, _)| *id).collect();
    for (check, _) in SUITE.checks() {
        assert!(check.requirement().is_some(), "{} is in no catalogue", check.id);
        assert!(broken.contains(check.id), "no bridge is broken so as to fail {}", check.id);
    }
}

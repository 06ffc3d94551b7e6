//! Every check of a client of version 2 can pass, and can fail. A client of version 1 fails nothing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use conformance::Link;
use conformance::mock::{self, Breaks};
use conformance::probe::Limits;
use conformance::schema::Schemas;
use conformance::subject::Subject;
use conformance::suite::{CheckResult, Options};
use conformance::v2::agent::VERSION;
use conformance::v2::client::SUITE;
use conformance::verdict::Verdict;

async fn judge(make: impl Fn() -> Link + Send + Sync + 'static) -> Vec<CheckResult> {
    let limit = Duration::from_secs(8);
    let options = Options {
        select: Vec::new(),
        limits: Limits { step: limit, turn: limit, quiet: Duration::from_millis(50), grace: Duration::from_secs(1) },
        jobs: 4,
        schemas: Schemas::of(None, VERSION).expect("the newest schemas"),
    };
    let subject = Subject::Inside { name: "the mock client".to_owned(), make: Box::new(make) };
    SUITE.run(Arc::new(subject), &options).await.results
}

#[tokio::test]
async fn a_good_client_passes_everything() {
    let results = judge(|| mock::client2_inside(Breaks::default())).await;
    let bad: Vec<&CheckResult> = results.iter().filter(|result| result.verdict != Verdict::Pass).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_broken_in_one_way_fails_that_check_and_no_other() {
    for (id, also) in mock::client2_breaks() {
        let breaks = Breaks::of_client2(id).expect("a known break");
        let results = judge(move || mock::client2_inside(breaks.clone())).await;
        let wrong = |result: &&CheckResult| matches!(result.verdict, Verdict::Fail | Verdict::Warn | Verdict::Error);
        let wrong: BTreeSet<&str> = results.iter().filter(wrong).map(|result| result.id).collect();
        let allowed: BTreeSet<&str> = also.iter().copied().chain([*id]).collect();
        assert!(wrong.contains(id) && wrong.is_subset(&allowed), "a client that breaks {id} was told {wrong:?}");
    }
}

#[tokio::test]
async fn nothing_of_it_concerns_a_client_of_version_one() {
    for result in judge(|| mock::client_inside(Breaks::default())).await {
        assert_eq!(result.verdict, Verdict::NotApplicable, "{result:#?}");
        assert!(result.why.as_deref().is_some_and(|why| why.contains("does not speak version 2")), "{result:#?}");
    }
}

#[test]
fn every_check_has_a_requirement_and_a_broken_client() {
    let broken: BTreeSet<&str> = mock::client2_breaks().iter().map(|(id, _)| *id).collect();
    for (check, _) in SUITE.checks() {
        assert!(check.requirement().is_some(), "{} is in no catalogue", check.id);
        assert!(broken.contains(check.id), "there is no client that is broken so as to fail {}", check.id);
    }
}

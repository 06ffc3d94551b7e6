//! Every check of a client of version 2 can pass, and can fail. A client of version 1 fails nothing.

mod support;

use std::sync::Arc;
use std::time::Duration;

use conformance::Link;
use conformance::mock::{self, Breaks};
use conformance::subject::Subject;
use conformance::suite::CheckResult;
use conformance::v2::agent::VERSION;
use conformance::v2::client::SUITE;
use conformance::verdict::Verdict;
use support::mutants;

async fn judge(make: impl Fn() -> Link + Send + Sync + 'static) -> Vec<CheckResult> {
    let subject = Subject::Inside { name: "the mock client".to_owned(), make: Box::new(make) };
    let options = mutants::options(VERSION, mutants::limits(Duration::from_secs(8)));
    SUITE.run(Arc::new(subject), &options).await.results
}

#[tokio::test]
async fn a_good_client_passes_everything() {
    mutants::all_pass(&judge(|| mock::v2_client_inside(Breaks::default())).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_broken_in_one_way_fails_that_check_and_no_other() {
    mutants::each_fails_its_check(mock::v2_client_breaks(), 1, mutants::wrong, async |id| {
        let breaks = Breaks::of_v2_client(id).expect("a known break");
        judge(move || mock::v2_client_inside(breaks.clone())).await
    })
    .await;
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
    mutants::every_check_has_a_mutant(&SUITE, mock::v2_client_breaks());
}

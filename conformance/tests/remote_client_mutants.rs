//! Clients that connect to their agent over WebSocket or streamable HTTP: a good client fails nothing, and for each check
//! there is one that is broken in one way and fails exactly this one.

mod support;

use std::sync::Arc;
use std::time::Duration;

use conformance::Offer;
use conformance::mock;
use conformance::probe::Limits;
use conformance::subject::Subject;
use conformance::suite::{CheckResult, Suite, run_all};
use conformance::v1::client::{REMOTE, SUITE};
use conformance::verdict::Verdict;
use support::mutants::{self, wrong};

/// Tests a mock client as a program.
async fn test(suites: &[Suite], offer: Offer, fail: Option<&str>) -> Vec<CheckResult> {
    let (quiet, grace) = (Duration::from_millis(60), Duration::from_secs(2));
    let limits = Limits { quiet, grace, ..mutants::limits(Duration::from_secs(30)) };
    let fail = fail.into_iter().flat_map(|id| ["--fail", id]);
    let args = ["mock-client", "--url", "{url}"].into_iter().chain(fail).map(str::to_owned).collect();
    let subject = Subject::Caller { program: env!("CARGO_BIN_EXE_acp-conformance").to_owned(), args, offer };
    let run = run_all(suites, Arc::new(subject), &mutants::options(1, limits)).await;
    assert_eq!(run.not_started, None);
    run.results
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_client_fails_nothing_of_what_a_client_owes_anywhere() {
    for (offer, own, other) in [(Offer::Socket, "WS-03", "HTTP-10"), (Offer::Http, "HTTP-10", "WS-03")] {
        let results = test(&[SUITE, REMOTE], offer, None).await;
        let bad: Vec<_> = results.iter().filter(|r| wrong(r) || r.verdict == Verdict::NotExercised).collect();
        assert!(bad.is_empty(), "{offer:?}: {bad:#?}");
        let verdict = |id: &str| results.iter().find(|result| result.id == id).map(|result| result.verdict);
        assert_eq!((verdict(own), verdict(other)), (Some(Verdict::Pass), Some(Verdict::NotApplicable)), "{offer:?}");
        assert_eq!(verdict("PERM-05"), Some(Verdict::Pass));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_broken_in_one_way_fails_that_check_and_no_other() {
    mutants::each_fails_its_check(mock::remote_client_breaks(), 3, wrong, async |id| {
        let offer = if id.starts_with("WS-") { Offer::Socket } else { Offer::Http };
        test(&[REMOTE], offer, Some(id)).await
    })
    .await;
}

#[test]
fn every_check_has_a_broken_client() {
    mutants::every_check_has_a_mutant(&REMOTE, mock::remote_client_breaks());
}

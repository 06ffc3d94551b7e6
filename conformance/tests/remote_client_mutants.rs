//! Clients that connect to their agent over WebSocket or streamable HTTP: a good client fails nothing, and for each check
//! there is one that is broken in one way and fails exactly this one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use conformance::Offer;
use conformance::mock;
use conformance::probe::Limits;
use conformance::schema::Schemas;
use conformance::subject::Subject;
use conformance::suite::{CheckResult, Options, Suite, run_all};
use conformance::v1::client::{REMOTE, SUITE};
use conformance::verdict::Verdict;
use futures_util::{StreamExt, stream};

/// Tests a mock client as a program.
async fn test(suites: &[Suite], offer: Offer, fail: Option<&str>) -> Vec<CheckResult> {
    let limit = Duration::from_secs(30);
    let options = Options {
        select: Vec::new(),
        limits: Limits { step: limit, turn: limit, quiet: Duration::from_millis(60), grace: Duration::from_secs(2) },
        jobs: 4,
        schemas: Schemas::of(None, 1).expect("the newest schemas"),
    };
    let fail = fail.into_iter().flat_map(|id| ["--fail", id]);
    let args = ["mock-client", "--url", "{url}"].into_iter().chain(fail).map(str::to_owned).collect();
    let subject = Subject::Caller { program: env!("CARGO_BIN_EXE_acp-conformance").to_owned(), args, offer };
    let run = run_all(suites, Arc::new(subject), &options).await;
    assert_eq!(run.not_started, None);
    run.results
}

fn wrong(result: &CheckResult) -> bool {
    matches!(result.verdict, Verdict::Fail | Verdict::Warn | Verdict::Error)
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
    let tests = mock::remote_client_breaks().iter().map(|(id, also)| async move {
        let offer = if id.starts_with("WS-") { Offer::Socket } else { Offer::Http };
        let results = test(&[REMOTE], offer, Some(id)).await;
        let told: BTreeSet<&str> = results.iter().filter(|result| wrong(result)).map(|result| result.id).collect();
        let allowed: BTreeSet<&str> = also.iter().copied().chain([*id]).collect();
        let odd = !told.contains(id) || !told.is_subset(&allowed);
        odd.then(|| format!("a client that breaks {id} was told {told:?}"))
    });
    let odd: Vec<String> = stream::iter(tests).buffered(3).filter_map(std::future::ready).collect().await;
    assert!(odd.is_empty(), "{odd:#?}");
}

#[test]
fn every_check_has_a_broken_client() {
    let broken: BTreeSet<&str> = mock::remote_client_breaks().iter().map(|(id, _)| *id).collect();
    for (check, _) in REMOTE.checks() {
        assert!(check.requirement().is_some(), "{} is in no catalogue", check.id);
        assert!(broken.contains(check.id), "no client is broken so as to fail {}", check.id);
    }
}

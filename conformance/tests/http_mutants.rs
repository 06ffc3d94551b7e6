//! An agent behind streamable HTTP: a good server passes everything, and for each check there is one that is broken in one
//! way and fails exactly this one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use conformance::http::SUITE;
use conformance::mock::{self, Breaks, Store};
use conformance::probe::Limits;
use conformance::schema::Schemas;
use conformance::subject::Subject;
use conformance::suite::{CheckResult, Options};
use conformance::verdict::Verdict;
use tokio::net::TcpListener;

/// Tests a server of its own that is broken so.
async fn test(breaks: Breaks, limit: Duration) -> Vec<CheckResult> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/acp", listener.local_addr().expect("its address"));
    let options = Options {
        select: Vec::new(),
        limits: Limits { step: limit, turn: limit, quiet: Duration::from_millis(50), grace: Duration::from_secs(1) },
        jobs: 4,
        schemas: Schemas::of(None, 1).expect("the newest schemas"),
    };
    tokio::select! {
        _ = mock::serve_http(listener, breaks, Store::default()) => panic!("the server ended"),
        run = SUITE.run(Arc::new(Subject::Http { url }), &options) => {
            assert_eq!(run.not_started, None);
            run.results
        }
    }
}

/// What may be is only told.
fn told(result: &CheckResult) -> bool {
    matches!(result.verdict, Verdict::Fail | Verdict::Warn | Verdict::Error | Verdict::Info)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_server_passes_everything() {
    let results = test(Breaks::default(), Duration::from_secs(30)).await;
    let bad: Vec<&CheckResult> = results.iter().filter(|result| result.verdict != Verdict::Pass).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_broken_in_one_way_fails_that_check_and_no_other() {
    for (id, also) in mock::http_breaks() {
        let results = test(Breaks::of(id).expect("a known break"), Duration::from_secs(6)).await;
        let wrong: Vec<&CheckResult> = results.iter().filter(|result| told(result)).collect();
        let ids: BTreeSet<&str> = wrong.iter().map(|result| result.id).collect();
        let allowed: BTreeSet<&str> = also.iter().copied().chain([*id]).collect();
        assert!(ids.contains(id) && ids.is_subset(&allowed), "a server that breaks {id} was told {wrong:#?}");
    }
}

/// It may (HTTP-03).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_websockets_only_is_not_judged() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/elsewhere", listener.local_addr().expect("its address"));
    let options = Options {
        select: Vec::new(),
        limits: Limits::default(),
        jobs: 4,
        schemas: Schemas::of(None, 1).expect("the newest schemas"),
    };
    tokio::select! {
        _ = mock::serve_http(listener, Breaks::default(), Store::default()) => panic!("the server ended"),
        run = SUITE.run(Arc::new(Subject::Http { url }), &options) => {
            assert_eq!(run.not_started, None);
            let judged: Vec<_> = run.results.iter().filter(|r| r.verdict != Verdict::NotApplicable).collect();
            assert!(judged.is_empty(), "{judged:#?}");
        }
    }
}

#[test]
fn every_check_has_a_broken_server() {
    let broken: BTreeSet<&str> = mock::http_breaks().iter().map(|(id, _)| *id).collect();
    for (check, _) in SUITE.checks() {
        assert!(check.requirement().is_some(), "{} is in no catalogue", check.id);
        assert!(broken.contains(check.id), "no server is broken so as to fail {}", check.id);
    }
}

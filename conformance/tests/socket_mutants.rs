//! What an agent owes over WebSocket: a good server passes everything, and for each check there is one that is broken in
//! one way and fails exactly this one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use conformance::mock::{self, Breaks, Store};
use conformance::probe::Limits;
use conformance::schema::Schemas;
use conformance::subject::Subject;
use conformance::suite::{CheckResult, Options, Suite, run_all};
use conformance::v1::agent::{SOCKET, SUITE};
use conformance::verdict::Verdict;
use tokio::net::TcpListener;

/// Tests a server of its own that is broken so.
async fn test(suites: &[Suite], breaks: Breaks, limit: Duration) -> Vec<CheckResult> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/acp", listener.local_addr().expect("its address"));
    let options = Options {
        select: Vec::new(),
        limits: Limits { step: limit, turn: limit, quiet: Duration::from_millis(50), grace: Duration::from_secs(1) },
        jobs: 4,
        schemas: Schemas::of(None, 1).expect("the newest schemas"),
    };
    tokio::select! {
        _ = mock::serve_socket(listener, breaks, Store::default()) => panic!("the server ended"),
        run = run_all(suites, Arc::new(Subject::Socket { url, scripted: true }), &options) => {
            assert_eq!(run.not_started, None);
            run.results
        }
    }
}

fn wrong(result: &CheckResult) -> bool {
    matches!(result.verdict, Verdict::Fail | Verdict::Warn | Verdict::Error)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_server_fails_nothing_of_what_an_agent_owes_anywhere() {
    let results = test(&[SUITE, SOCKET], Breaks::default(), Duration::from_secs(30)).await;
    let bad: Vec<_> = results.iter().filter(|r| wrong(r) || r.verdict == Verdict::NotExercised).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let verdict = |id: &str| results.iter().find(|result| result.id == id).map(|result| result.verdict);
    assert_eq!(verdict("WS-01"), Some(Verdict::Pass));
    assert_eq!(verdict("PROMPT-05"), Some(Verdict::Pass));
    assert_eq!(verdict("TRANSPORT-stdio-08"), Some(Verdict::NotApplicable), "there are no lines to be cut");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_broken_in_one_way_fails_that_check_and_no_other() {
    for (id, also) in mock::socket_breaks() {
        let results = test(&[SOCKET], Breaks::of(id).expect("a known break"), Duration::from_secs(6)).await;
        let told: BTreeSet<&str> = results.iter().filter(|result| wrong(result)).map(|result| result.id).collect();
        let allowed: BTreeSet<&str> = also.iter().copied().chain([*id]).collect();
        assert!(told.contains(id) && told.is_subset(&allowed), "a server that breaks {id} was told {told:?}");
    }
}

#[test]
fn every_check_of_the_socket_has_a_broken_server() {
    let broken: BTreeSet<&str> = mock::socket_breaks().iter().map(|(id, _)| *id).collect();
    for (check, _) in SOCKET.checks() {
        assert!(check.requirement().is_some(), "{} is in no catalogue", check.id);
        assert!(broken.contains(check.id), "no server is broken so as to fail {}", check.id);
    }
}

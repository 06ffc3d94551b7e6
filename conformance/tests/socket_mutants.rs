//! What an agent owes over WebSocket: a good server passes everything, and for each check there is one that is broken in
//! one way and fails exactly this one.

mod support;

use std::sync::Arc;
use std::time::Duration;

use conformance::mock::{self, Breaks, Store};
use conformance::subject::Subject;
use conformance::suite::{CheckResult, Suite, run_all};
use conformance::v1::agent::{SOCKET, SUITE};
use conformance::verdict::Verdict;
use support::mutants::{self, wrong};
use tokio::net::TcpListener;

/// Tests a server of its own that is broken so.
async fn test(suites: &[Suite], breaks: Breaks, limit: Duration) -> Vec<CheckResult> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/acp", listener.local_addr().expect("its address"));
    let options = mutants::options(1, mutants::limits(limit));
    tokio::select! {
        _ = mock::serve_socket(listener, breaks, Store::default()) => panic!("the server ended"),
        run = run_all(suites, Arc::new(Subject::Socket { url, scripted: true }), &options) => {
            assert_eq!(run.not_started, None);
            run.results
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_server_fails_nothing_of_what_an_agent_owes_anywhere() {
    let results = test(&[SUITE, SOCKET], Breaks::default(), Duration::from_secs(30)).await;
    mutants::none(&results, |result| wrong(result) || result.verdict == Verdict::NotExercised);
    let verdict = |id: &str| results.iter().find(|result| result.id == id).map(|result| result.verdict);
    assert_eq!(verdict("WS-01"), Some(Verdict::Pass));
    assert_eq!(verdict("PROMPT-05"), Some(Verdict::Pass));
    assert_eq!(verdict("TRANSPORT-stdio-08"), Some(Verdict::NotApplicable), "there are no lines to be cut");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_broken_in_one_way_fails_that_check_and_no_other() {
    mutants::each_fails_its_check(mock::socket_breaks(), 1, wrong, async |id| {
        test(&[SOCKET], Breaks::of(id).expect("a known break"), Duration::from_secs(6)).await
    })
    .await;
}

#[test]
fn every_check_of_the_socket_has_a_broken_server() {
    mutants::every_check_has_a_mutant(&SOCKET, mock::socket_breaks());
}

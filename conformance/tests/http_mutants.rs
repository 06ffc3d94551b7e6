//! An agent behind streamable HTTP: a good server passes everything, and for each check there is one that is broken in one
//! way and fails exactly this one.

mod support;

use std::sync::Arc;
use std::time::Duration;

use conformance::mock::{self, Breaks, Store};
use conformance::probe::Limits;
use conformance::subject::Subject;
use conformance::suite::{CheckResult, Options, Suite, run_all};
use conformance::v1::agent;
use conformance::v1::http::SUITE;
use conformance::verdict::Verdict;
use support::mutants::{self, told};
use tokio::net::TcpListener;

/// Tests a server of its own that is broken so.
async fn test(suites: &[Suite], select: &[&str], breaks: Breaks, limit: Duration) -> Vec<CheckResult> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/acp", listener.local_addr().expect("its address"));
    let select = select.iter().map(|&id| id.to_owned()).collect();
    let options = Options { select, ..mutants::options(1, mutants::limits(limit)) };
    tokio::select! {
        _ = mock::serve_http(listener, breaks, Store::default()) => panic!("the server ended"),
        run = run_all(suites, Arc::new(Subject::Http { url }), &options) => {
            assert_eq!(run.not_started, None);
            run.results
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_server_passes_everything() {
    mutants::all_pass(&test(&[SUITE], &[], Breaks::default(), Duration::from_secs(30)).await);
}

/// The same agent as over stdio, so the same verdicts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_server_fails_nothing_of_what_an_agent_owes_anywhere() {
    let results = test(&[SUITE, agent::SUITE], &[], Breaks::default(), Duration::from_secs(30)).await;
    mutants::none(&results, |result| told(result) || result.verdict == Verdict::NotExercised);
    let verdict = |id: &str| results.iter().find(|result| result.id == id).map(|result| result.verdict);
    for id in ["PROMPT-05", "LOAD-03", "LOAD-04", "CANCEL-08", "PERM-02", "HTTP-07"] {
        assert_eq!(verdict(id), Some(Verdict::Pass), "{id}");
    }
    assert_eq!(verdict("TRANSPORT-stdio-08"), Some(Verdict::NotApplicable), "there are no lines to be cut");
}

/// What is wrong with the agent is told over HTTP, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_is_broken_is_told_so_over_http() {
    for id in ["CANCEL-08", "LOAD-03", "ERR-04", "SESS-03"] {
        let results =
            test(&[agent::SUITE], &[id], Breaks::of(id).expect("a known break"), Duration::from_secs(6)).await;
        assert!(results.iter().any(|result| result.id == id && told(result)), "{id} is not told");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_broken_in_one_way_fails_that_check_and_no_other() {
    mutants::each_fails_its_check(mock::http_breaks(), 4, told, async |id| {
        test(&[SUITE], &[], Breaks::of(id).expect("a known break"), Duration::from_secs(6)).await
    })
    .await;
}

/// It may (HTTP-03).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_websockets_only_is_not_judged() {
    let breaks = Breaks::of("HTTP-03").expect("a known break");
    let results = test(&[SUITE, agent::SUITE], &[], breaks, Duration::from_secs(30)).await;
    mutants::none(&results, |result| result.verdict != Verdict::NotApplicable && result.id != "HTTP-03");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_where_nothing_is_served_cannot_be_tested() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/elsewhere", listener.local_addr().expect("its address"));
    let options = mutants::options(1, Limits::default());
    tokio::select! {
        _ = mock::serve_http(listener, Breaks::default(), Store::default()) => panic!("the server ended"),
        run = run_all(&[SUITE, agent::SUITE], Arc::new(Subject::Http { url }), &options) => {
            assert!(run.not_started.is_some_and(|why| why.contains("404")));
        }
    }
}

#[test]
fn every_check_has_a_broken_server() {
    mutants::every_check_has_a_mutant(&SUITE, mock::http_breaks());
}

//! Every check of a client can pass, and can fail: a good client passes them all, and for each there is a client that is
//! broken in one way and fails exactly this one.

mod support;

use std::sync::Arc;
use std::time::Duration;

use conformance::mock::{self, Breaks};
use conformance::probe::Limits;
use conformance::scenario::Scenario;
use conformance::subject::Subject;
use conformance::suite::CheckResult;
use conformance::v1::client::SUITE;
use conformance::verdict::Verdict;
use support::mutants;

/// What is played for checks that ask every history, by how their ids begin: between them, every kind of message.
fn telling(id: &str) -> &'static [&'static str] {
    match id {
        "CANCEL-02" => &["client-interrupt"],
        "SUB-10" => &["client-children"],
        "CONFIG-14" | "MODE-07" => &["client-options"],
        _ => &["client-connect", "client-capabilities", "client-refusals", "client-ask"],
    }
}

/// Checks of what only a process does.
const PROCESS: [&str; 5] = ["TRANSPORT-stdio-05", "TRANSPORT-stdio-06", "CANCEL-02", "CANCEL-04", "CANCEL-09"];
/// Checks that only tell.
const TELLS: [&str; 1] = ["FS-11"];

/// A client that is broken so, in this process.
fn inside(breaks: Breaks) -> Subject {
    let make = Box::new(move || mock::client_inside(breaks.clone()));
    Subject::Inside { name: "the mock client".to_owned(), make }
}

/// The same as a program.
fn program(fail: Option<&str>) -> Subject {
    let agent = env!("CARGO_BIN_EXE_acp-conformance");
    let fail = fail.into_iter().flat_map(|id| ["--fail", id]);
    let args = ["mock-client"].into_iter().chain(fail).chain(["--"]).map(str::to_owned).collect();
    Subject::Client { program: agent.to_owned(), args, agent: agent.into() }
}

/// Plays scenarios against a client and judges everything.
async fn judge(subject: Subject, scenarios: Vec<&'static Scenario>, limit: Duration) -> Vec<CheckResult> {
    let limits = Limits { quiet: Duration::from_millis(60), ..mutants::limits(limit) };
    mutants::judge(SUITE, Arc::new(subject), scenarios, mutants::options(1, limits)).await
}

fn wrong(result: &CheckResult) -> bool {
    // What a MAY is about is only told.
    let tells = result.verdict == Verdict::Info && (result.finding.is_some() || TELLS.contains(&result.id));
    mutants::wrong(result) || tells
}

#[tokio::test]
async fn a_good_client_fails_nothing_and_everything_about_it_is_exercised() {
    let results = judge(program(None), SUITE.scenarios.iter().collect(), Duration::from_secs(30)).await;
    // It offers files and both ways to use them, so that nothing is left to call that it does not offer.
    mutants::none(&results, |result| wrong(result) || result.verdict == Verdict::NotExercised);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_broken_in_one_way_fails_that_check_and_no_other() {
    mutants::each_fails_its_check(mock::client_breaks(), 8, wrong, async |id| {
        let subject = match PROCESS.contains(&id) {
            true => program(Some(id)),
            false => inside(Breaks::of_client(id).expect("a known break")),
        };
        judge(subject, mutants::shown_by(&SUITE, id, telling), Duration::from_secs(8)).await
    })
    .await;
}

#[test]
fn every_check_has_a_requirement_and_a_broken_client() {
    mutants::every_check_has_a_mutant(&SUITE, mock::client_breaks());
}

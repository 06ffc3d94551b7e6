//! Every check of a client can pass, and can fail: a good client passes them all, and for each there is a client that is
//! broken in one way and fails exactly this one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use conformance::mock::{self, Breaks};
use conformance::probe::Limits;
use conformance::scenario::Scenario;
use conformance::schema::Schemas;
use conformance::subject::Subject;
use conformance::suite::{CheckResult, Options};
use conformance::v1::client::SUITE;
use conformance::verdict::Verdict;
use futures_util::StreamExt;

/// What is played for checks that ask every history, by how their ids begin: between them, every kind of message.
fn telling(id: &str) -> &'static [&'static str] {
    match id {
        "CANCEL-02" => &["client-interrupt"],
        "CONFIG-14" | "MODE-07" => &["client-options"],
        _ => &["client-connect", "client-capabilities", "client-refusals", "client-ask"],
    }
}

/// Checks of what only a process does.
const PROCESS: [&str; 5] = ["TRANSPORT-stdio-05", "TRANSPORT-stdio-06", "CANCEL-02", "CANCEL-04", "CANCEL-09"];
/// Checks that only tell.
const TELLS: [&str; 1] = ["FS-11"];

fn options(limit: Duration) -> Options {
    Options {
        select: Vec::new(),
        limits: Limits { step: limit, turn: limit, quiet: Duration::from_millis(60), grace: Duration::from_secs(1) },
        jobs: 4,
        schemas: Schemas::of(None, 1).expect("the newest schemas"),
    }
}

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
    let options = options(limit);
    let (histories, _) = SUITE.play(Arc::new(subject), scenarios, &options).await;
    // Judging takes a while and would hold up the others' scenarios, which have little time.
    let judged = tokio::task::spawn_blocking(move || SUITE.judge(&histories, &[], &options.schemas)).await;
    judged.expect("a judgement")
}

/// The scenarios that show whether a check fails.
fn shown_by(id: &str) -> Vec<&'static Scenario> {
    let passive = SUITE.passive.iter().any(|check| check.id == id);
    let of = |scenario: &&Scenario| match passive {
        true => telling(id).contains(&scenario.name),
        false => scenario.checks.iter().any(|check| check.id == id),
    };
    SUITE.scenarios.iter().filter(of).collect()
}

fn wrong(result: &CheckResult) -> bool {
    let told = matches!(result.verdict, Verdict::Fail | Verdict::Warn | Verdict::Error);
    // What a MAY is about is only told.
    told || (result.verdict == Verdict::Info && (result.finding.is_some() || TELLS.contains(&result.id)))
}

#[tokio::test]
async fn a_good_client_fails_nothing_and_everything_about_it_is_exercised() {
    let results = judge(program(None), SUITE.scenarios.iter().collect(), Duration::from_secs(30)).await;
    // It offers files and both ways to use them, so that nothing is left to call that it does not offer.
    let unseen = |result: &CheckResult| result.verdict == Verdict::NotExercised;
    let bad: Vec<&CheckResult> = results.iter().filter(|r| wrong(r) || unseen(r)).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_broken_in_one_way_fails_that_check_and_no_other() {
    let tried = futures_util::stream::iter(mock::client_breaks().iter().map(|(id, also)| async move {
        let subject = match PROCESS.contains(id) {
            true => program(Some(id)),
            false => inside(Breaks::of_client(id).expect("a known break")),
        };
        let results = judge(subject, shown_by(id), Duration::from_secs(8)).await;
        let wrong: BTreeSet<&str> = results.iter().filter(|result| wrong(result)).map(|result| result.id).collect();
        let allowed: BTreeSet<&str> = also.iter().copied().chain([*id]).collect();
        let good = wrong.contains(id) && wrong.is_subset(&allowed);
        (!good).then(|| format!("a client that breaks {id} was told {wrong:?}"))
    }));
    let unlike: Vec<String> = tried.buffer_unordered(8).filter_map(std::future::ready).collect().await;
    assert!(unlike.is_empty(), "{unlike:#?}");
}

#[test]
fn every_check_has_a_requirement_and_a_broken_client() {
    let broken: BTreeSet<&str> = mock::client_breaks().iter().map(|(id, _)| *id).collect();
    for (check, _) in SUITE.checks() {
        assert!(check.requirement().is_some(), "{} is in no catalogue", check.id);
        assert!(broken.contains(check.id), "there is no client that is broken so as to fail {}", check.id);
    }
}

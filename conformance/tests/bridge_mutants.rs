//! A good bridge passes every check of the bridge suite, and for each there is one that is broken in one way and fails
//! exactly this one.

mod support;

use std::sync::Arc;
use std::time::Duration;

use conformance::bridge::SUITE;
use conformance::mock::{self, Breaks, Store};
use conformance::probe::Limits;
use conformance::subject::Subject;
use conformance::suite::{CheckResult, Options};
use conformance::verdict::Verdict;
use support::mutants;

/// Turns end, however busy the machine is; what a broken peer never sends is waited for by the step.
const TURN: Duration = Duration::from_secs(60);

/// What only a bridge that is a process of its own shows, and what is played for it.
const PROCESS: [(&str, &str); 1] = [("BRIDGE-09/a", "bridge-orphans")];

fn is_of_a_process(id: &str) -> bool {
    PROCESS.iter().any(|(known, _)| *known == id)
}

/// Tests a bridge that is broken so, with a good agent behind it.
async fn test(breaks: Breaks, limit: Duration) -> Vec<CheckResult> {
    let store = Store::default();
    let make = move || mock::bridged(mock::inside(Breaks::default(), store.clone()), breaks.clone());
    let subject = Arc::new(Subject::Inside { name: "the mock bridge".to_owned(), make: Box::new(make) });
    let options = mutants::options(1, Limits { turn: TURN, ..mutants::limits(limit) });
    let (histories, not_started) = SUITE.play(subject, SUITE.selected(&[]), &options).await;
    assert_eq!(not_started, None);
    SUITE.judge(&histories, &[], &options.schemas)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_bridge_fails_nothing_and_everything_about_it_is_exercised() {
    let results = test(Breaks::default(), Duration::from_secs(30)).await;
    mutants::none(&results, |result| result.verdict != Verdict::Pass && !is_of_a_process(result.id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_that_is_broken_in_one_way_fails_that_check_and_no_other() {
    let inside = mock::bridge_breaks().iter().filter(|(id, _)| !is_of_a_process(id));
    mutants::each_fails_its_check(inside, 2, mutants::wrong, async |id| {
        test(Breaks::of(id).expect("a known break"), Duration::from_secs(10)).await
    })
    .await;
}

/// What a shell that passes its input on to the agent is told.
async fn shell(script: &str) -> CheckResult {
    let script = script.replace("{agent}", &format!("'{}' mock-agent", env!("CARGO_BIN_EXE_acp-conformance")));
    let args = vec!["-c".to_owned(), script];
    let subject = Arc::new(Subject::Bridge { program: "bash".to_owned(), args, own: Default::default() });
    let limits = Limits { turn: TURN, ..mutants::limits(Duration::from_secs(2)) };
    let options = Options { select: vec!["BRIDGE-09/a".to_owned()], jobs: 1, ..mutants::options(1, limits) };
    let mut run = SUITE.run(subject, &options).await;
    assert_eq!(run.not_started, None);
    run.results.remove(0)
}

#[tokio::test]
async fn a_bridge_that_does_not_wait_for_the_end_of_its_agent_is_told() {
    let good = shell("{agent} | cat").await;
    assert_eq!(good.verdict, Verdict::Pass, "{good:#?}");
    // The agent is a child of `cat`, which knows of none.
    let bad = shell("cat > >(exec {agent}); true").await;
    assert_eq!(bad.verdict, Verdict::Warn, "{bad:#?}");
}

#[test]
fn every_check_of_a_bridge_has_a_broken_bridge() {
    mutants::every_check_has_a_mutant(&SUITE, mock::bridge_breaks());
}

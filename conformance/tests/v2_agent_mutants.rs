//! Every check of an agent of version 2 can pass, and can fail: a good agent passes them all, and for each there is an agent
//! that is broken in one way and fails exactly this one. An agent of version 1 fails nothing: none of it concerns it.

mod support;

use std::sync::Arc;
use std::time::Duration;

use conformance::history::{Body, Case};
use conformance::mock::{self, Breaks, Store};
use conformance::scenario::Scenario;
use conformance::schema::{Part, Side};
use conformance::subject::Subject;
use conformance::suite::CheckResult;
use conformance::v2::agent::{SUITE, VERSION};
use conformance::verdict::Verdict;
use support::mutants;

/// What is played for a check that asks every history.
fn telling(id: &str) -> &'static [&'static str] {
    match id {
        "RPC-13" => &["v2-baseline"],
        "V2-04" => &["v2-initialize"],
        "V2-11" | "V2-26" => &["v2-turn"],
        "V2-16" | "V2-20" | "V2-23" | "V2-25/a" => &["v2-permission"],
        "V2-25" | "V2-25/b" => &["v2-settings"],
        "V2-32" => &["v2-children"],
        "V2-34" => &["v2-turn", "v2-skills"],
        "V2-13" | "V2-14" | "V2-15" | "V2-17" => &["v2-reports"],
        _ => &["v2-initialize", "v2-refusals"],
    }
}

fn subject(breaks: Breaks) -> Arc<Subject> {
    let make = Box::new(move || mock::inside2(breaks.clone()));
    Arc::new(Subject::Inside { name: "the mock agent".to_owned(), make })
}

/// Plays scenarios against a subject, and judges everything.
async fn judge(subject: Arc<Subject>, scenarios: Vec<&'static Scenario>, limit: Duration) -> Vec<CheckResult> {
    mutants::judge(SUITE, subject, scenarios, mutants::options(VERSION, mutants::limits(limit))).await
}

#[tokio::test]
async fn a_good_agent_passes_everything() {
    let all = SUITE.scenarios.iter().collect();
    mutants::all_pass(&judge(subject(Breaks::default()), all, Duration::from_secs(30)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_is_broken_in_one_way_fails_that_check_and_no_other() {
    mutants::each_fails_its_check(mock::v2_agent_breaks(), 8, mutants::told, async |id| {
        let breaks = Breaks::of_v2_agent(id).expect("a known break");
        judge(subject(breaks), mutants::shown_by(&SUITE, id, telling), Duration::from_secs(4)).await
    })
    .await;
}

#[tokio::test]
async fn nothing_of_it_concerns_an_agent_of_version_one() {
    let make = Box::new(|| mock::inside(Breaks::default(), Store::default()));
    let subject = Arc::new(Subject::Inside { name: "the mock agent".to_owned(), make });
    let results = judge(subject, SUITE.scenarios.iter().collect(), Duration::from_secs(30)).await;
    for result in results {
        assert_eq!(result.verdict, Verdict::NotApplicable, "{result:#?}");
        assert!(result.why.as_deref().is_some_and(|why| why.contains("does not speak version 2")), "{result:#?}");
    }
}

#[tokio::test]
async fn what_the_suite_sends_keeps_to_the_schema() {
    let options = mutants::options(VERSION, mutants::limits(Duration::from_secs(30)));
    let all = SUITE.scenarios.iter().collect();
    let (histories, _) = SUITE.play(subject(Breaks::default()), all, &options).await;
    for history in &histories {
        let case = Case::new(history, Side::Agent, Arc::clone(&options.schemas));
        // What is wrong on purpose says so.
        let meant = |label: &String| label.split('/').any(|part| part == "bad");
        for message in case.sent().filter(|message| !message.label.as_ref().is_some_and(meant)) {
            let (side, method, part, value) = match &message.body {
                Body::Request { method, params, .. } => (Side::Agent, method.as_str(), Part::Request, params),
                Body::Notification { method, params } => (Side::Agent, method.as_str(), Part::Notification, params),
                Body::Response { outcome: Ok(result), .. } => {
                    let asked = case.asked_by(message).expect("a request");
                    (Side::Client, asked.method().expect("a method"), Part::Response, result)
                }
                _ => continue,
            };
            let faults = options.schemas.faults(side, method, part, value);
            assert!(faults.is_empty(), "{}: {:?}: {faults:?}", history.scenario, message.label);
        }
    }
}

#[test]
fn every_check_has_a_requirement_and_a_broken_agent() {
    mutants::every_check_has_a_mutant(&SUITE, mock::v2_agent_breaks());
}

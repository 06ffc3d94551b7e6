//! What a scenario waits for, it gets once: an answer that came early is not waited for until the limit.

use std::sync::Arc;
use std::time::Duration;

use conformance::history::{Body, Message, What};
use conformance::mock::{self, Breaks, Store};
use conformance::probe::{Limits, Probe, Stop, prompt_of};
use conformance::prompts;
use conformance::scenario::Scenario;
use conformance::schema::{Schemas, Side};
use conformance::subject::Subject;
use conformance::suite::{Options, Suite};
use serde_json::json;

const SCENARIOS: &[Scenario] =
    &[Scenario { name: "early", about: "", play: |probe| Box::pin(early(probe)), checks: &[] }];
const SUITE: Suite = Suite { subject: Side::Agent, scenarios: SCENARIOS, invariants: &[] };

/// Turns that end while something else is waited for, as those of an agent do that has nothing to stop.
async fn early(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let session = probe.session("new").await?;
    let limit = probe.limits().turn;
    let turn = probe.ask("turn", "session/prompt", prompt_of(&session, prompts::REPLY)).await?;
    let ends = |message: &Message| matches!(&message.body, Body::Response { id, .. } if *id == turn);
    probe.until("end", limit, ends).await?;
    probe.notify("cancel", "session/cancel", json!({ "sessionId": session })).await?;
    let answer = probe.answer("turn", &turn, limit).await?;
    probe.note("again", json!(answer.is_ok()));
    probe.answers("turn", vec![turn.clone()], limit).await?;
    // Under an id that is used again, the next answer is meant.
    probe.ask_as("next", turn.clone(), "session/prompt", prompt_of(&session, prompts::REPLY)).await?;
    let next = probe.answer("next", &turn, limit).await?;
    probe.note("next", json!(next.is_ok()));
    Ok(())
}

#[tokio::test]
async fn an_answer_that_has_come_is_not_waited_for_again() {
    let make = Box::new(|| mock::inside(Breaks::default(), Store::default()));
    let subject = Arc::new(Subject::Inside { name: "the mock agent".to_owned(), make });
    let limits = Limits { turn: Duration::from_secs(20), ..Limits::default() };
    let schemas = Schemas::of(None, 1).expect("the newest schemas");
    let options = Options { select: Vec::new(), limits, jobs: 1, schemas };
    let (histories, _) = SUITE.play(subject, SCENARIOS.iter().collect(), &options).await;
    let events = || histories[0].events.iter().map(|event| &event.what);
    let missed: Vec<_> = events().filter(|what| matches!(what, What::Missed { .. })).collect();
    assert!(missed.is_empty(), "{missed:?}");
    let notes: Vec<_> = events()
        .filter_map(|what| match what {
            What::Note { label, data } if label != "scripted" => Some((label.as_str(), data.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(notes, [("again", json!(true)), ("next", json!(true))]);
    let answers =
        events().filter(|what| matches!(what, What::Received { line } if line.shown().contains("stopReason")));
    assert_eq!(answers.count(), 2);
}

//! Input that is wrong.

use serde_json::{Value, json};

use crate::core::check::{Check, all, call};
use crate::core::history::{Body, Case};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

/// Lines that are no message, and requests that are not valid.
pub(super) const INPUT: Scenario = Scenario {
    name: "durable-input",
    about: "sends what is no message and what is no good request, and then a good one",
    play: |probe| Box::pin(input(probe)),
    checks: &[Check::new("P12", |case| {
        let junk = JUNK.map(|(label, _, code)| answered_without_id(case, label, code));
        all(junk.into_iter().chain(CALLS.map(|(label, _, code)| refused(case, label, code))).chain([still_works(case)]))
    })],
};

const JUNK: [(&str, &str, i64); 3] =
    [("cut", "{bad", -32700), ("number", "42", -32600), ("empty", r#"{"jsonrpc":"2.0"}"#, -32600)];
const CALLS: [(&str, &str, i64); 2] = [("method", "session/nonesuch", -32601), ("bad/params", "session/new", -32602)];

async fn input(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    for (label, line, _) in JUNK {
        probe.line(Some(label), line).await?;
        let error =
            |message: &crate::core::history::Message| matches!(&message.body, Body::Response { id: Value::Null, .. });
        // The check tells.
        let _ = probe.until(label, probe.limits().step, error).await;
    }
    for (label, method, _) in CALLS {
        let _ = probe.call(label, method, json!({ "cwd": 7 })).await?;
    }
    probe.session("good").await.map(drop)
}

/// The first answer without an id after the line, before whatever was sent next.
fn answered_without_id(case: &Case<'_>, label: &str, code: i64) -> Outcome {
    let Some(sent) = case.labelled(label) else { return Outcome::NotExercised(case.why_not(label)) };
    let next = case.sent().find(|message| message.index > sent.index).map_or(usize::MAX, |message| message.index);
    let answer = case.received().find(|message| message.index > sent.index && message.index < next);
    let expected = format!("the error {code} without an id for `{label}`");
    match answer.map(|answer| (&answer.body, answer.index)) {
        Some((Body::Response { id: Value::Null, outcome: Err(error) }, _)) if error["code"] == code => Outcome::Pass,
        Some((_, place)) => Outcome::broken(expected, "something else", vec![sent.index, place]),
        None => Outcome::broken(expected, "nothing", vec![sent.index]),
    }
}

fn refused(case: &Case<'_>, label: &str, code: i64) -> Outcome {
    let call = call!(case, label);
    Outcome::pass_if(call.code() == Some(code), || {
        Outcome::broken(format!("the error {code}"), call.said(), call.places())
    })
}

fn still_works(case: &Case<'_>) -> Outcome {
    let call = call!(case, "good");
    Outcome::pass_if(call.result().is_some(), || Outcome::broken("a session after all", call.said(), call.places()))
}

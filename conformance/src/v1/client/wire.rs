//! Ids, pieces, large messages, and what wants no answer or is no message.

use serde_json::{Value, json};

use super::refusals::refused_or_unknown;
use super::stage::{PING, answers, answers_pings, answers_to, begin, lives_on, ping, silence, update};
use crate::core::check::{Check, all, answered, call};
use crate::core::history::{Body, Case};
use crate::core::probe::{Host, Probe, SESSION, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

/// Framing: how bytes arrive, what ids look like, and notifications of all kinds.
pub(super) const WIRE: Scenario = Scenario {
    name: "client-wire",
    about: "asks under unusual ids, in pieces and together, and sends notifications that nobody knows",
    play: |probe| Box::pin(wire(probe)),
    checks: &[
        Check::new("RPC-02", ids_come_back_as_they_were),
        Check::new("RPC-04", |case| all(SILENT.map(|what| silence(case, "silent", what)))),
        Check::new("RPC-07", ids_of_the_two_sides_are_apart),
        Check::new("RPC-14", |case| {
            all(["stranger", "malformed"].map(|w| lives_on(case, &format!("silent/{w}"), &format!("after/{w}"))))
        }),
        Check::new("TRANSPORT-stdio-08", |case| {
            all(["pieces", "together/1", "together/2"].map(|l| was_answered(case, l)))
        }),
        Check::new("TRANSPORT-stdio-14", |case| lives_on(case, "large", "after/large")),
        Check::new("CANCEL-16", |case| all(["dollar", "cancel"].map(|what| ignored(case, what)))),
        Check::new("ELICIT-18", |case| all(["complete", "complete-again"].map(|what| ignored(case, what)))),
        Check::new("EXT-06", |case| answered(case, "control")),
        Check::new("EXT-07", |case| refused_or_unknown(case, "control")),
        Check::new("EXT-08", |case| all(["note", "bare"].map(|what| ignored(case, what)))),
    ],
};

/// Notifications, none of which wants an answer.
const SILENT: [&str; 8] = ["note", "bare", "dollar", "cancel", "complete", "complete-again", "stranger", "malformed"];
/// The largest integer that every JSON reader keeps.
const LARGE: u64 = (1 << 53) - 1;

fn notification(what: &str) -> Value {
    let (method, params) = match what {
        "note" => ("_conformance/note", json!({ "of": "nobody" })),
        "dollar" => ("$/conformance", json!({ "of": "nobody" })),
        "cancel" => ("$/cancel_request", json!({ "requestId": "conformance-none" })),
        "complete" | "complete-again" => ("elicitation/complete", json!({ "elicitationId": "conformance-none" })),
        "stranger" => {
            let content = json!({ "type": "text", "text": "for somebody else" });
            let update = json!({ "sessionUpdate": "agent_message_chunk", "content": content });
            ("session/update", json!({ "sessionId": "conformance-nobody", "update": update }))
        }
        "malformed" => ("session/update", json!({ "sessionId": SESSION, "update": 7 })),
        _ => return json!({ "jsonrpc": "2.0", "method": "_conformance/bare" }),
    };
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

async fn wire(probe: &mut Probe) -> Result<(), Stop> {
    let turn = begin(probe, "turn", Host::default()).await?;
    let limit = probe.limits().step;
    // One that does not wait for the end of its turn cannot be asked.
    probe.quiet("patience").await?;
    ping(probe, "control").await?;
    for (label, id) in [
        ("id/0", json!(0)),
        ("id/large", json!(LARGE)),
        ("id/string", json!("conformance-a")),
        ("id/digits", json!("17")),
    ] {
        probe.ask_as(label, id, PING, json!({})).await?;
        probe.until(label, limit, |message| matches!(message.body, Body::Response { .. })).await?;
    }
    probe.ask_as("same-id", turn.prompt.clone(), PING, json!({})).await?;
    probe.answer("same-id", &turn.prompt, limit).await?.unwrap_or_default();
    let request = |id: u64| json!({ "jsonrpc": "2.0", "id": id, "method": PING, "params": {} });
    let (whole, first, second) = (request(9001), request(9002), request(9003));
    probe.in_pieces(&[("pieces", &whole)], 1).await?;
    answers(probe, "pieces", &[json!(9001)]).await?;
    probe.in_pieces(&[("together/1", &first), ("together/2", &second)], usize::MAX).await?;
    answers(probe, "together", &[json!(9002), json!(9003)]).await?;
    let content = json!({ "type": "text", "text": "x".repeat(1024 * 1024) });
    update(probe, "large", json!({ "sessionUpdate": "agent_message_chunk", "content": content })).await?;
    ping(probe, "after/large").await?;
    for what in SILENT {
        let label = format!("silent/{what}");
        probe.line(Some(&label), &notification(what).to_string()).await?;
        probe.quiet(&label).await?;
        ping(probe, &format!("after/{what}")).await?;
    }
    turn.done(probe).await
}

/// An unknown or late notification changes nothing.
fn ignored(case: &Case<'_>, what: &str) -> Outcome {
    let label = format!("silent/{what}");
    silence(case, "silent", what).and(lives_on(case, &label, &format!("after/{what}")))
}

/// The call was answered, by a client that answers such calls.
fn was_answered(case: &Case<'_>, label: &str) -> Outcome {
    match answers_pings(case) {
        Ok(()) => answered(case, label),
        Err(why) => why,
    }
}

fn ids_come_back_as_they_were(case: &Case<'_>) -> Outcome {
    all(["id/0", "id/large", "id/string", "id/digits"].map(|label| {
        let call = call!(case, label);
        if call.answer.is_some() {
            return Outcome::Pass;
        }
        let next = case
            .received()
            .find(|message| message.index > call.request.index && matches!(message.body, Body::Response { .. }));
        let Some(next) = next else { return Outcome::NotExercised(case.why_not(label)) };
        let asked = call.request.id().map(Value::to_string).unwrap_or_default();
        let came = next.id().map(Value::to_string).unwrap_or_default();
        let expected = format!("an answer with the id {asked}");
        Outcome::broken(expected, format!("the id {came}"), vec![call.request.index, next.index])
    }))
}

/// A request of ours under the id of the client's own prompt, which waits for our answer.
fn ids_of_the_two_sides_are_apart(case: &Case<'_>) -> Outcome {
    lives_on(case, "same-id", "same-id")
}

/// Lines that are no message.
pub(super) const JUNK: Scenario = Scenario {
    name: "client-junk",
    about: "sends what is no message, and a request after each",
    play: |probe| Box::pin(junk(probe)),
    checks: &[
        Check::new("ERR-09", |case| all(["cut", "number", "empty"].map(|what| an_error_or_nothing(case, what)))),
        Check::new("RPC-14/a", |case| {
            all(["cut", "number", "empty"].map(|w| lives_on(case, &format!("junk/{w}"), &format!("after/{w}"))))
        }),
    ],
};

async fn junk(probe: &mut Probe) -> Result<(), Stop> {
    let turn = begin(probe, "turn", Host::default()).await?;
    ping(probe, "control").await?;
    for (label, line) in [("empty", r#"{"jsonrpc":"2.0"}"#), ("number", "42"), ("cut", "{bad")] {
        probe.line(Some(&format!("junk/{label}")), line).await?;
        probe.quiet(&format!("junk/{label}")).await?;
        ping(probe, &format!("after/{label}")).await?;
    }
    turn.done(probe).await
}

fn an_error_or_nothing(case: &Case<'_>, what: &str) -> Outcome {
    let label = format!("junk/{what}");
    let answers = match answers_to(case, &label, &format!("after/{what}")) {
        Ok(answers) => answers,
        Err(why) => return why,
    };
    let wrong = answers.into_iter().find(|message| {
        let error = matches!(&message.body, Body::Response { id: Value::Null, outcome: Err(_) });
        !error
    });
    match (wrong, case.labelled(&label)) {
        (Some(wrong), Some(sent)) => {
            let places = vec![sent.index, wrong.index];
            Outcome::broken("an error with id null, or nothing", "something else", places)
        }
        _ => Outcome::Pass,
    }
}

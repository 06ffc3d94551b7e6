//! Bytes and lines, ids, large messages, the end of the input.

use serde_json::{Value, json};

use crate::core::check::{Check, all, answered, call, lives_on};
use crate::core::history::{Body, Case, What};
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// Framing: how bytes arrive, and what ids look like.
pub(super) const FRAMING: Scenario = Scenario {
    name: "framing",
    about: "sends requests with unusual ids, in pieces and together, a large one, and ends the input",
    play: |probe| Box::pin(framing(probe)),
    checks: &[
        Check::new("RPC-02", ids_come_back_as_they_were),
        Check::new("TRANSPORT-stdio-08", |case| all(["pieces", "together/1", "together/2"].map(|l| answered(case, l)))),
        Check::new("TRANSPORT-stdio-09", it_exits_when_its_input_ends),
        Check::new("TRANSPORT-stdio-14", |case| answered(case, "large")),
    ],
};

/// Lines that are no message.
pub(super) const JUNK: Scenario = Scenario {
    name: "junk",
    about: "sends what is no message, and a request after each",
    play: |probe| Box::pin(junk(probe)),
    checks: &[
        Check::new("ERR-09", |case| all(["cut", "number", "empty"].map(|what| parse_error_or_silence(case, what)))),
        Check::new("TRANSPORT-stdio-07", |case| parse_error_or_silence(case, "batch")),
    ],
};

async fn junk(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    for (label, line) in [("cut", "{bad"), ("number", "42"), ("empty", r#"{"jsonrpc":"2.0"}"#), ("batch", "[]")] {
        probe.line(Some(&format!("junk/{label}")), line).await?;
        probe.quiet(&format!("junk/{label}")).await?;
        let _ = probe.call(&format!("after/{label}"), "session/new", probe.new_session()).await?;
    }
    Ok(())
}

/// The largest integer that every JSON reader keeps.
const LARGE: u64 = (1 << 53) - 1;

async fn framing(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let limit = probe.limits().session();
    for (label, id) in [
        ("id/0", json!(0)),
        ("id/large", json!(LARGE)),
        ("id/string", json!("conformance-a")),
        ("id/digits", json!("17")),
    ] {
        probe.ask_as(label, id.clone(), "session/new", probe.new_session()).await?;
        let any_answer = |message: &crate::core::history::Message| message.id().is_some() && message.method().is_none();
        probe.until(label, limit, any_answer).await?;
    }
    let request = |id: u64, probe: &Probe| json!({ "jsonrpc": "2.0", "id": id, "method": "session/new", "params": probe.new_session() });
    let (whole, first, second) = (request(9001, probe), request(9002, probe), request(9003, probe));
    probe.in_pieces(&[("pieces", &whole)], 1).await?;
    let _ = probe.answer("pieces", &json!(9001), limit).await?;
    probe.in_pieces(&[("together/1", &first), ("together/2", &second)], usize::MAX).await?;
    probe.answers("together", vec![json!(9002), json!(9003)], limit).await?;
    let session = probe.session("session").await?;
    let text = format!("{} {}", prompts::REPLY, "x".repeat(1024 * 1024));
    let id = probe.ask("large", "session/prompt", prompt_of(&session, &text)).await?;
    let _ = probe.answer("large", &id, probe.limits().turn).await?;
    let exited = probe.close_input(probe.limits().step).await?;
    probe.note("exited", json!(exited));
    Ok(())
}

pub(crate) fn ids_come_back_as_they_were(case: &Case<'_>) -> Outcome {
    all(["id/0", "id/large", "id/string", "id/digits"].map(|label| {
        let call = call!(case, label);
        if call.answer.is_some() {
            return Outcome::Pass;
        }
        let next = case.received().find(|message| message.index > call.request.index && message.method().is_none());
        let came =
            next.and_then(|message| message.id()).map_or_else(|| "no answer".to_owned(), |id| format!("the id {id}"));
        let asked = call.request.id().map(Value::to_string).unwrap_or_default();
        let places = std::iter::once(call.request.index).chain(next.map(|message| message.index)).collect();
        Outcome::broken(format!("an answer with the id {asked}"), came, places)
    }))
}

/// A line that is no message gets an error without an id, or nothing; and the next request is answered. What the agent
/// says of its own accord meanwhile is no answer.
fn parse_error_or_silence(case: &Case<'_>, what: &str) -> Outcome {
    let label = format!("junk/{what}");
    let (Some(sent), Some(end)) = (case.labelled(&label), case.quiet(&label)) else {
        return Outcome::NotExercised(case.why_not(&label));
    };
    let wrong = case.received().find(|message| {
        let answer = match &message.body {
            Body::Response { id, outcome } => !(id.is_null() && outcome.is_err()),
            Body::Junk { .. } => !message.body.is_blank(),
            _ => false,
        };
        answer && message.index > sent.index && message.index < end
    });
    match wrong {
        Some(message) => {
            Outcome::broken("an error with id null, or nothing", "something else", vec![sent.index, message.index])
        }
        None => lives_on(case, &label, &format!("after/{what}")),
    }
}

fn it_exits_when_its_input_ends(case: &Case<'_>) -> Outcome {
    let Some(exited) = case.note("exited") else { return Outcome::NotExercised(case.why_not("the end of the input")) };
    let closed = case.history().events.iter().position(|event| matches!(event.what, What::InputClosed));
    // Only a diagram says so (AMB-33).
    Outcome::pass_if(exited == &Value::Bool(true), || {
        Outcome::doubtful("an exit after the end of its input", "it went on", closed.into_iter().collect())
    })
}

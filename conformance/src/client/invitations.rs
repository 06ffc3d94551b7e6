//! Elicitations that a client cannot show.

use serde_json::{Value, json};

use super::stage::{begin, has, offered, offers};
use crate::check::{Check, all, call};
use crate::history::Case;
use crate::probe::{Host, Probe, SESSION, Stop};
use crate::scenario::Scenario;
use crate::verdict::Outcome;

/// Modes that the client has not advertised, and one that does not exist.
pub(super) const ELICITATION: Scenario = Scenario {
    name: "client-elicitation",
    about: "asks the user in ways that the client has not advertised, or that do not exist",
    play: |probe| Box::pin(elicitation(probe)),
    checks: &[
        Check::new("ELICIT-19", modes_that_are_not_advertised_are_refused),
        Check::new("ELICIT-25", |case| {
            offered!(case, "elicitation");
            is_not_accepted(case, "elicit/unknown")
        }),
    ],
};

async fn elicitation(probe: &mut Probe) -> Result<(), Stop> {
    let turn = begin(probe, "turn", Host::default()).await?;
    let schema = json!({ "type": "object", "properties": { "name": { "type": "string" } } });
    let form = json!({ "sessionId": SESSION, "mode": "form", "message": "Who?", "requestedSchema": schema });
    let url = "https://example.invalid/conformance";
    let url = json!({
        "sessionId": SESSION, "mode": "url", "message": "Where?", "url": url, "elicitationId": "conformance-url",
    });
    let unknown = json!({ "sessionId": SESSION, "mode": "_conformance", "message": "How?" });
    let asked =
        [("form", form, !has(probe, &["elicitation", "form"])), ("url", url, !has(probe, &["elicitation", "url"]))];
    for (mode, params, is_absent) in asked {
        if is_absent {
            let _ = probe.call(&format!("elicit/{mode}"), "elicitation/create", params).await?;
        }
    }
    let _ = probe.call("elicit/unknown", "elicitation/create", unknown).await?;
    turn.done(probe).await
}

/// -32602; and -32601 where the client has no elicitation at all (AMB-38).
fn modes_that_are_not_advertised_are_refused(case: &Case<'_>) -> Outcome {
    let absent: Vec<&str> = ["elicit/form", "elicit/url"].into_iter().filter(|l| case.labelled(l).is_some()).collect();
    if absent.is_empty() && case.labelled("elicit/unknown").is_some() {
        return Outcome::NotApplicable("the client has both modes".to_owned());
    }
    let some = offers(case, &["elicitation"]).is_some();
    all(absent.into_iter().map(|label| {
        let call = call!(case, label);
        match call.code() {
            Some(-32602) => Outcome::Pass,
            Some(-32601) if !some => Outcome::Pass,
            Some(_) => Outcome::doubtful("an error with code -32602", call.said(), call.places()),
            None => is_not_accepted(case, label),
        }
    }))
}

/// An error, or an answer that is no consent.
fn is_not_accepted(case: &Case<'_>, label: &str) -> Outcome {
    let call = call!(case, label);
    let Some(result) = call.result() else {
        return match call.error() {
            Some(_) => Outcome::Pass,
            None => Outcome::NotExercised(case.why_not(label)),
        };
    };
    match &result["action"] {
        Value::String(action) if action == "decline" || action == "cancel" => {
            if label == "elicit/unknown" {
                return Outcome::Pass;
            }
            Outcome::doubtful("an error with code -32602", call.said(), call.places())
        }
        _ => Outcome::broken("an error", call.said(), call.places()),
    }
}

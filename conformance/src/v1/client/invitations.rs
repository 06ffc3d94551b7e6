//! Elicitations, and those that a client cannot show.

use serde_json::{Value, json};

use super::stage::{begin, has, offered, offers};
use crate::core::check::{Check, all, call};
use crate::core::history::{Case, brief};
use crate::core::probe::{Host, Probe, SESSION, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

/// Modes that the client has not advertised, and one that does not exist.
pub(super) const ELICITATION: Scenario = Scenario {
    name: "client-elicitation",
    about: "asks the user with a form, and in ways that the client has not advertised, or that do not exist",
    play: |probe| Box::pin(elicitation(probe)),
    checks: &[
        Check::new("ELICIT-12", |case| {
            offered!(case, "elicitation"."form");
            the_action_is_one_of_three(case)
        }),
        Check::new("ELICIT-13", |case| {
            offered!(case, "elicitation"."form");
            accepted_content_fits(case)
        }),
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
    if has(probe, &["elicitation", "form"]) {
        let params = json!({ "sessionId": SESSION, "mode": "form", "message": "Which?", "requestedSchema": choice() });
        let _ = probe.call("elicit/choice", "elicitation/create", params).await?;
    }
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

/// A form with a choice, a number and a switch, of which the first is required.
fn choice() -> Value {
    json!({ "type": "object", "required": ["color"], "properties": {
        "color": { "type": "string", "enum": ["red", "blue"], "default": "blue" },
        "many": { "type": "integer", "minimum": 1, "maximum": 9 },
        "sure": { "type": "boolean" },
    } })
}

fn the_action_is_one_of_three(case: &Case<'_>) -> Outcome {
    let call = call!(case, "elicit/choice");
    let Some(result) = call.result() else { return Outcome::NotExercised(call.said()) };
    let good = ["accept", "decline", "cancel"].iter().any(|action| result["action"] == *action);
    Outcome::pass_if(good, || Outcome::broken("accept, decline or cancel", call.said(), call.places()))
}

fn accepted_content_fits(case: &Case<'_>) -> Outcome {
    let call = call!(case, "elicit/choice");
    let accepted = call.result().filter(|result| result["action"] == "accept");
    let Some(content) = accepted.map(|result| &result["content"]) else {
        return Outcome::NotExercised("nobody accepted the form".to_owned());
    };
    let color = content["color"] == "red" || content["color"] == "blue";
    let many = |value: &Value| value.is_null() || value.as_i64().is_some_and(|many| (1..=9).contains(&many));
    let sure = content["sure"].is_null() || content["sure"].is_boolean();
    Outcome::pass_if(color && many(&content["many"]) && sure, || {
        Outcome::broken("content that fits the schema", brief(content), call.places())
    })
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

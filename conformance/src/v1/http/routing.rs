//! Statuses: what is refused, and with what.

use serde_json::{Value, json};

use crate::core::check::{Check, all};
use crate::core::history::{Case, What};
use crate::core::http::{CONNECTION, NO_POST, delete, get, post};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

/// Requests that are right, and such that lack something.
pub(super) const ROUTING: Scenario = Scenario {
    name: "http-routing",
    about: "sends requests without ids, with unknown ones, of wrong types, and ends a connection",
    play: |probe| Box::pin(routing(probe)),
    checks: &[
        Check::new("HTTP-04", initialize_opens_a_connection),
        Check::new("HTTP-11", |case| status(case, "no-json", &[415])),
        Check::new("HTTP-12", |case| status(case, "no-events", &[406])),
        Check::new("HTTP-13", |case| status(case, "no-session", &[400])),
        Check::new("HTTP-14", |case| all([status(case, "no-connection", &[400]), status(case, "unknown", &[404])])),
        Check::new("HTTP-15", |case| {
            all([status(case, "listen/none", &[400]), status(case, "listen/unknown", &[404])])
        }),
        Check::new("HTTP-16", |case| all(["batch/empty", "batch/two"].map(|label| no_batch(case, label)))),
        Check::new("HTTP-17", delete_ends_the_connection),
        Check::new("HTTP-26", a_foreign_page_is_refused),
    ],
};

/// A request, whose id is its label.
pub(super) fn request(label: &str, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": label, "method": method, "params": params })
}

/// Opens a connection and gives its id; `None` if the server takes no POST.
pub(super) async fn connect(probe: &mut Probe, label: &str) -> Result<Option<String>, Stop> {
    Ok(introduced(probe, label).await?.map(|(id, _)| id))
}

/// Opens a connection and gives its id and the result of `initialize`; `None` if the server takes no POST.
pub(super) async fn introduced(probe: &mut Probe, label: &str) -> Result<Option<(String, Value)>, Stop> {
    let ask = post(&request(label, "initialize", probe.introduction()), &[]);
    let exchange = probe.exchange(label, ask).await?;
    match exchange.connection {
        Some(id) => {
            let answer: Value = acp_server::types::json::from_str(&exchange.body).unwrap_or_default();
            Ok(Some((id, answer["result"].clone())))
        }
        None if NO_POST.contains(&exchange.status) => Ok(None),
        None => Err(Stop::Refused(format!("initialize was answered with {} and no connection id", exchange.status))),
    }
}

async fn routing(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin_http();
    let Some(first) = connect(probe, "initialize").await? else { return Ok(()) };
    let Some(second) = connect(probe, "initialize/2").await? else { return Ok(()) };
    let new = request("new", "session/new", probe.new_session());
    let prompt = request("prompt", "session/prompt", json!({ "sessionId": "conformance", "prompt": [] }));
    let mut text = post(&request("text", "initialize", probe.introduction()), &[]);
    text.headers = vec![("content-type", "text/plain".to_owned())];
    let mut json = get(&[(CONNECTION, &first)]);
    json.headers[0].1 = "application/json".to_owned();
    let foreign = [("origin", "https://conformance.invalid")];
    for (label, ask) in [
        ("no-json", text),
        ("no-events", json),
        ("no-session", post(&prompt, &[(CONNECTION, &first)])),
        ("no-connection", post(&new, &[])),
        ("unknown", post(&new, &[(CONNECTION, "conformance-no-such-connection")])),
        ("listen/none", get(&[])),
        ("listen/unknown", get(&[(CONNECTION, "conformance-no-such-connection")])),
        ("batch/empty", post(&json!([]), &[(CONNECTION, &first)])),
        ("batch/two", post(&json!([new, new]), &[(CONNECTION, &first)])),
        ("foreign", post(&request("foreign", "initialize", probe.introduction()), &foreign)),
        ("delete/none", delete(&[])),
        ("delete", delete(&[(CONNECTION, &second)])),
        ("deleted", post(&new, &[(CONNECTION, &second)])),
    ] {
        if label == "no-events" || label.starts_with("listen") {
            // A stream that is opened all the same has no end to wait for.
            drop(probe.listen(label, ask).await?);
        } else {
            probe.exchange(label, ask).await?;
        }
    }
    Ok(())
}

/// The outcome for a server that takes no POST at all: it then serves WebSockets only, as it may (HTTP-03).
pub(super) fn no_http(case: &Case<'_>) -> Option<Outcome> {
    let status = case.note("initialize")?["status"].as_u64()?;
    let refused = NO_POST.iter().any(|no| u64::from(*no) == status);
    refused
        .then(|| Outcome::NotApplicable(format!("POST is answered with {status}: the server serves WebSockets only")))
}

/// Where the note of this label is.
pub(super) fn place(case: &Case<'_>, label: &str) -> Vec<usize> {
    let of = |what: &What| matches!(what, What::Note { label: known, .. } if known == label);
    case.history().events.iter().position(|event| of(&event.what)).into_iter().collect()
}

/// The exchange of this label had one of these statuses.
pub(super) fn status(case: &Case<'_>, label: &str, wanted: &[u64]) -> Outcome {
    if let Some(outcome) = no_http(case) {
        return outcome;
    }
    let Some(found) = case.note(label).and_then(|note| note["status"].as_u64()) else {
        return Outcome::NotExercised(case.why_not(label));
    };
    Outcome::pass_if(wanted.contains(&found), || {
        let wanted: Vec<String> = wanted.iter().map(u64::to_string).collect();
        let places = place(case, &format!("{label}/asked")).into_iter().chain(place(case, label)).collect();
        Outcome::broken(format!("the status {}", wanted.join(" or ")), found.to_string(), places)
    })
}

fn initialize_opens_a_connection(case: &Case<'_>) -> Outcome {
    for label in ["initialize", "initialize/2"] {
        match status(case, label, &[200]) {
            Outcome::Pass => {}
            other => return other,
        }
        if case.call(label).is_none_or(|call| call.result().is_none()) {
            return Outcome::broken("the answer to initialize in the body", "none", place(case, label));
        }
    }
    let id = |label: &str| case.note(label).map(|note| note["connectionId"].clone()).unwrap_or_default();
    let (first, second) = (id("initialize"), id("initialize/2"));
    Outcome::pass_if(first != second && first.is_string() && second.is_string(), || {
        let places = place(case, "initialize").into_iter().chain(place(case, "initialize/2")).collect();
        Outcome::broken("two connection ids", format!("{first} and {second}"), places)
    })
}

/// AMB-19: any refusal will do.
fn no_batch(case: &Case<'_>, label: &str) -> Outcome {
    match status(case, label, &[501]) {
        Outcome::Broken(finding) => {
            let refused = case.note(label).and_then(|note| note["status"].as_u64()).is_some_and(|status| status >= 400);
            if refused { Outcome::Pass } else { Outcome::Info(format!("a batch is answered with {}", finding.actual)) }
        }
        other => other,
    }
}

fn delete_ends_the_connection(case: &Case<'_>) -> Outcome {
    all([status(case, "delete/none", &[400]), status(case, "delete", &[202]), status(case, "deleted", &[404])])
}

/// The RFD leaves it to a later phase.
fn a_foreign_page_is_refused(case: &Case<'_>) -> Outcome {
    match status(case, "foreign", &[403]) {
        Outcome::Broken(finding) => {
            Outcome::Info(format!("a page of another site is answered with {}", finding.actual))
        }
        other => other,
    }
}

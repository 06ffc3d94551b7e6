//! Requests that a client has to refuse: methods that it does not have, params that make no sense.

use serde_json::json;

use super::stage::{begin, has, workshop};
use crate::core::check::{Check, all, fails_with};
use crate::core::history::{Call, Case};
use crate::core::probe::{Host, Probe, SESSION, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

/// Methods that are not there, and malformed params.
pub(super) const REFUSALS: Scenario = Scenario {
    name: "client-refusals",
    about: "calls methods that the client does not have or does not offer, and sends malformed params",
    play: |probe| Box::pin(refusals(probe)),
    checks: &[
        Check::new("ERR-04", |case| each(case, "absent/", "nothing that is absent was called")),
        Check::new("ERR-05", |case| all(case.calls("malformed/").into_iter().map(is_refused))),
        Check::new("FS-09", |case| each(case, "absent/fs/", "the client offers both of them")),
    ],
};

async fn refusals(probe: &mut Probe) -> Result<(), Stop> {
    let turn = begin(probe, "turn", Host::default()).await?;
    let work = workshop(probe)?;
    let path = work.path().join("conformance.txt");
    let file = json!({ "sessionId": SESSION, "path": path });
    let mut full = file.clone();
    full["content"] = json!("not to be written");
    let echo = json!({ "sessionId": SESSION, "command": "echo", "args": ["not to be run"] });
    let absent = [
        ("session/nonesuch", json!({ "sessionId": SESSION }), true),
        ("fs/read_text_file", file, !has(probe, &["fs", "readTextFile"])),
        ("fs/write_text_file", full, !has(probe, &["fs", "writeTextFile"])),
        ("terminal/create", echo, !has(probe, &["terminal"])),
    ];
    for (method, params, is_absent) in absent {
        if is_absent {
            // What it is answered with is for the checks to judge.
            let _ = probe.call(&format!("absent/{method}"), method, params).await?;
        }
    }
    if has(probe, &["fs", "readTextFile"]) {
        let _ = probe.call("malformed/read", "fs/read_text_file", json!({ "sessionId": SESSION })).await?;
        let seven = json!({ "sessionId": SESSION, "path": 7 });
        let _ = probe.call("malformed/path", "fs/read_text_file", seven).await?;
    }
    if has(probe, &["terminal"]) {
        let _ = probe.call("malformed/create", "terminal/create", json!({ "sessionId": SESSION })).await?;
    }
    let _ = probe.call("malformed/empty", "session/request_permission", json!({ "sessionId": SESSION })).await?;
    let options = json!({ "sessionId": SESSION, "toolCall": { "toolCallId": "tool" }, "options": "all" });
    let _ = probe.call("malformed/options", "session/request_permission", options).await?;
    turn.done(probe).await
}

/// All calls under labels that begin so were refused as methods that are not there.
fn each(case: &Case<'_>, prefix: &str, otherwise: &str) -> Outcome {
    let calls = case.calls(prefix);
    let labels = calls.iter().filter_map(|call| call.request.label.as_deref());
    let outcomes: Vec<Outcome> = labels.map(|label| refused_or_unknown(case, label)).collect();
    match outcomes.is_empty() {
        true if case.note("turn/end").is_some() => Outcome::NotApplicable(otherwise.to_owned()),
        true => Outcome::NotExercised(case.why_not(prefix)),
        false => all(outcomes),
    }
}

/// The call was refused as one of a method that is not there, if it was answered.
pub(super) fn refused_or_unknown(case: &Case<'_>, label: &str) -> Outcome {
    match case.call(label) {
        Some(Call { answer: Some(_), .. }) => fails_with(case, label, -32601),
        _ => Outcome::NotExercised(case.why_not(label)),
    }
}

/// The call was answered with an error. Another code than that for params is doubtful only, and so is the answer of a
/// person who was asked nothing.
fn is_refused(call: Call<'_>) -> Outcome {
    const PARAMS: i64 = -32602;
    let expected = "an error with code -32602";
    match (call.code(), call.result()) {
        (Some(PARAMS), _) => Outcome::Pass,
        (_, Some(result)) if result["outcome"]["outcome"] == "cancelled" => {
            Outcome::doubtful(expected, call.said(), call.places())
        }
        (_, Some(_)) => Outcome::broken(expected, call.said(), call.places()),
        (Some(_), _) => Outcome::doubtful(expected, call.said(), call.places()),
        (None, None) => {
            Outcome::NotExercised(format!("{} was not answered", call.request.label.as_deref().unwrap_or("")))
        }
    }
}

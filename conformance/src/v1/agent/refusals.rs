//! Messages that an agent has to refuse, and those that it has to ignore.

use serde_json::json;

use crate::core::check::{Check, all, answered, fails, fails_with, lives_on};
use crate::core::history::{Body, Case, Message};
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

/// A session that nobody made.
const NOBODYS: &str = "conformance-no-such-session";

/// Requests and notifications that cannot be meant.
pub(super) const REFUSALS: Scenario = Scenario {
    name: "refusals",
    about: "sends requests and notifications that cannot be meant, each followed by one that can",
    play: |probe| Box::pin(refusals(probe)),
    checks: &[
        Check::new("RPC-04", notifications_get_no_answer),
        Check::new("RPC-14", |case| all(AFTER.map(|(sent, after)| lives_on(case, sent, after)))),
        Check::new("ERR-04", |case| fails_with(case, "unknown-method", -32601)),
        Check::new("ERR-05", |case| {
            all(["no-cwd", "cwd-number", "prompt-text"].map(|what| fails_with(case, &format!("bad/{what}"), -32602)))
        }),
        Check::new("ERR-06", |case| fails_with(case, "unknown-session", -32002)),
        Check::new("AUTH-09", |case| fails(case, "unknown-auth")),
        Check::new("CANCEL-14", |case| silent_and_alive(case, "cancel-unknown")),
        Check::new("CANCEL-16", |case| silent_and_alive(case, "dollar-note")),
        Check::new("EXT-06", |case| answered(case, "ping")),
        Check::new("EXT-07", |case| fails_with(case, "ping", -32601)),
        Check::new("EXT-08", |case| silent_and_alive(case, "unknown-note")),
    ],
};

async fn refusals(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let unknown = json!({ "sessionId": NOBODYS });
    let _ = probe.call("unknown-method", "session/nonesuch", json!({})).await?;
    let _ = probe.call("after/unknown", "session/new", probe.new_session()).await?;
    let _ = probe.call("ping", "_conformance/ping", json!({})).await?;
    let _ = probe.call("bad/no-cwd", "session/new", json!({ "mcpServers": [] })).await?;
    let _ = probe.call("bad/cwd-number", "session/new", json!({ "cwd": 7, "mcpServers": [] })).await?;
    let session = probe.session("after/params").await?;
    let _ = probe.call("bad/prompt-text", "session/prompt", json!({ "sessionId": session, "prompt": "x" })).await?;
    let _ = probe.call("unknown-session", "session/prompt", prompt_of(NOBODYS, "Reply with the word OK.")).await?;
    let _ = probe.call("unknown-auth", "authenticate", json!({ "methodId": "conformance-no-such-method" })).await?;
    probe.notify("cancel-unknown", "session/cancel", unknown).await?;
    probe.quiet("cancel-unknown").await?;
    probe.notify("unknown-note", "_conformance/note", json!({ "a": 1 })).await?;
    probe.line(Some("bare-note"), r#"{"jsonrpc":"2.0","method":"_conformance/note"}"#).await?;
    probe.quiet("unknown-note").await?;
    probe.notify("dollar-note", "$/conformance", json!({})).await?;
    probe.notify("cancel-request", "$/cancel_request", json!({ "requestId": "conformance-none" })).await?;
    probe.quiet("dollar-note").await?;
    probe.notify("bad/cancel", "session/cancel", json!({ "sessionId": 7 })).await?;
    probe.quiet("bad/cancel").await?;
    let _ = probe.call("after/notes", "session/new", probe.new_session()).await?;
    Ok(())
}

/// Invalid requests, each with the valid one after it.
const AFTER: [(&str, &str); 7] = [
    ("unknown-method", "after/unknown"),
    ("bad/no-cwd", "after/params"),
    ("bad/cwd-number", "after/params"),
    ("bad/prompt-text", "after/notes"),
    ("unknown-session", "after/notes"),
    ("unknown-auth", "after/notes"),
    ("bad/cancel", "after/notes"),
];

/// The notifications of the scenario, each by the label of its own window.
const NOTES: [&str; 4] = ["cancel-unknown", "unknown-note", "dollar-note", "bad/cancel"];

fn notifications_get_no_answer(case: &Case<'_>) -> Outcome {
    all(NOTES.map(|label| silent(case, label)))
}

/// No answer between the notification and the end of its window.
pub(crate) fn silent(case: &Case<'_>, label: &str) -> Outcome {
    let (Some(note), Some(end)) = (case.labelled(label), case.quiet(label)) else {
        return Outcome::NotExercised(case.why_not(label));
    };
    let within = |message: &&Message| message.index > note.index && message.index < end;
    // An answer to a request that was answered before is what RPC-05 is about.
    let known = |id: &serde_json::Value| case.sent().any(|sent| sent.index < note.index && sent.id() == Some(id));
    let stray = case.received().filter(within).find(|message| match &message.body {
        Body::Response { id, .. } => !known(id),
        _ => false,
    });
    match stray {
        Some(stray) => Outcome::broken("silence", "an answer", vec![note.index, stray.index]),
        None => Outcome::Pass,
    }
}

/// The notification was followed by no answer, and a request after it was answered.
pub(crate) fn silent_and_alive(case: &Case<'_>, label: &str) -> Outcome {
    all([silent(case, label), lives_on(case, label, "after/notes")])
}

//! The prompt turn: its end, its output, what a prompt may hold.

use serde_json::{Value, json};

use crate::core::check::{Check, all, call, needs, succeeds};
use crate::core::history::{Case, brief};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// A picture of one pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
/// A sound without samples.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

/// Turns that end by themselves.
pub(super) const TURNS: Scenario = Scenario {
    name: "turns",
    about: "has three turns in a row, one in another session, and one more in the first",
    play: |probe| Box::pin(turns(probe)),
    checks: &[
        Check::new("PROMPT-03", a_turn_ends_with_a_result),
        Check::new("PROMPT-04", the_reason_is_one_of_five),
        Check::new("PROMPT-05", there_is_output_before_the_answer),
        Check::new("PROMPT-07", updates_name_the_prompted_session),
        Check::new("PROMPT-16", |case| all(["turn/1", "turn/2", "turn/3"].map(|label| ended(case, label)))),
        Check::new("SESS-21", both_sessions_live),
    ],
};

async fn turns(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let session = probe.session("new").await?;
    for number in 1..=3 {
        let _ = probe.prompt(&format!("turn/{number}"), &session, prompts::REPLY).await?;
    }
    let other = probe.session("new/other").await?;
    let _ = probe.prompt("other/1", &other, prompts::REPLY).await?;
    let _ = probe.prompt("back/1", &session, "Thank you.").await?;
    Ok(())
}

/// A turn that ended with an error says nothing about what was to be shown (AMB-28).
fn ended(case: &Case<'_>, label: &str) -> Outcome {
    let call = call!(case, label);
    match call.result() {
        Some(result) if result["stopReason"].is_string() => Outcome::Pass,
        Some(_) => Outcome::broken("a result with a stopReason", call.said(), call.places()),
        None if call.error().is_some() => Outcome::NotExercised(format!("the turn ended with {}", call.said())),
        None => Outcome::broken("a result with a stopReason", call.said(), call.places()),
    }
}

fn a_turn_ends_with_a_result(case: &Case<'_>) -> Outcome {
    ended(case, "turn/1")
}

/// A session does not end because another one begins. An error that is about the session says that it did.
fn both_sessions_live(case: &Case<'_>) -> Outcome {
    all(["other/1", "back/1"].map(|label| {
        let call = call!(case, label);
        match call.code() {
            Some(-32002 | -32602) => Outcome::broken("a turn", call.said(), call.places()),
            _ => ended(case, label),
        }
    }))
}

/// The values that the schema has.
const REASONS: [&str; 5] = ["end_turn", "max_tokens", "max_turn_requests", "refusal", "cancelled"];

fn the_reason_is_one_of_five(case: &Case<'_>) -> Outcome {
    let calls = case.calls("turn/");
    let results: Vec<_> = calls.iter().filter_map(|call| Some((call, &call.result()?["stopReason"]))).collect();
    if results.is_empty() {
        return Outcome::NotExercised("no turn ended with a result".to_owned());
    }
    let known = |reason: &Value| reason.as_str().is_some_and(|reason| REASONS.contains(&reason));
    match results.iter().find(|(_, reason)| !known(reason)) {
        Some((call, reason)) => Outcome::broken(format!("one of {}", REASONS.join(", ")), brief(reason), call.places()),
        None => Outcome::Pass,
    }
}

fn there_is_output_before_the_answer(case: &Case<'_>) -> Outcome {
    let call = call!(case, "turn/1");
    if call.result().is_none_or(|result| result["stopReason"] != "end_turn") {
        return Outcome::NotExercised(format!("the turn came to {}", call.said()));
    }
    let said = case.received().any(|message| {
        message.index > call.request.index
            && message.index < call.until()
            && message.update_kind() == Some("agent_message_chunk")
    });
    if !said && !case.is_scripted() {
        return Outcome::NotExercised("the turn ended without a word, which may be the model's own".to_owned());
    }
    Outcome::pass_if(said, || Outcome::broken("an agent_message_chunk before the answer", "none", call.places()))
}

fn updates_name_the_prompted_session(case: &Case<'_>) -> Outcome {
    let call = call!(case, "turn/1");
    let Some(session) = call.request.params().map(|params| &params["sessionId"]) else { return Outcome::Pass };
    let within = case.received().filter(|message| message.index > call.request.index && message.index < call.until());
    let mut seen = false;
    for message in within.filter(|message| message.update().is_some()) {
        seen = true;
        if message.params().is_none_or(|params| &params["sessionId"] != session) {
            let places = vec![call.request.index, message.index];
            return Outcome::broken(format!("the session {session}"), "another", places);
        }
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised("the turn had no update".to_owned()) }
}

/// Content of prompts.
pub(super) const CONTENT: Scenario = Scenario {
    name: "content",
    about: "prompts with each kind of content that the agent takes, and one with every optional field",
    play: |probe| Box::pin(content(probe)),
    checks: &[
        Check::new("CONTENT-01", |case| all(["text", "texts"].map(|kind| taken(case, kind)))),
        Check::new("CONTENT-02", |case| taken(case, "link")),
        Check::new("CONTENT-03", |case| {
            needs!(case, "promptCapabilities"."image");
            taken(case, "image")
        }),
        Check::new("CONTENT-04", |case| {
            needs!(case, "promptCapabilities"."audio");
            taken(case, "audio")
        }),
        Check::new("CONTENT-05", |case| {
            needs!(case, "promptCapabilities"."embeddedContext");
            all(["resource", "blob"].map(|kind| taken(case, kind)))
        }),
        Check::new("CONTENT-12", |case| taken(case, "full")),
    ],
};

async fn content(probe: &mut Probe) -> Result<(), Stop> {
    let agent = probe.begin().await?;
    let file = probe.path("conformance-input.txt");
    std::fs::write(&file, "conformance input\n")?;
    let uri = format!("file://{}", file.display());
    let text = || json!({ "type": "text", "text": prompts::REPLY });
    let full = json!({
        "type": "text",
        "text": prompts::REPLY,
        "annotations": { "audience": ["assistant"], "priority": 0.5, "lastModified": "2026-11-25T12:00:00Z" },
        "_meta": { "conformance/unknown": [1, null] },
    });
    let takes = |name: &str| agent["agentCapabilities"]["promptCapabilities"][name] == true;
    let mut blocks = vec![
        ("text", json!([text()])),
        ("texts", json!([text(), { "type": "text", "text": "Nothing else." }])),
        ("link", json!([text(), { "type": "resource_link", "uri": uri, "name": "conformance-input.txt" }])),
        ("full", json!([full])),
    ];
    if takes("image") {
        blocks.push(("image", json!([text(), { "type": "image", "mimeType": "image/png", "data": PNG }])));
    }
    if takes("audio") {
        blocks.push(("audio", json!([text(), { "type": "audio", "mimeType": "audio/wav", "data": WAV }])));
    }
    if takes("embeddedContext") {
        let resource = |resource: Value| json!([text(), { "type": "resource", "resource": resource }]);
        blocks
            .push(("resource", resource(json!({ "uri": uri, "mimeType": "text/plain", "text": "conformance input" }))));
        blocks.push(("blob", resource(json!({ "uri": uri, "mimeType": "text/plain", "blob": "aGVsbG8=" }))));
    }
    let session = probe.session("new").await?;
    for (kind, prompt) in blocks {
        let params = json!({ "sessionId": session, "prompt": prompt });
        let id = probe.ask(&format!("content/{kind}"), "session/prompt", params).await?;
        let _ = probe.answer(&format!("content/{kind}"), &id, probe.limits().turn).await?;
    }
    Ok(())
}

/// The prompt was not refused: -32602 says that it was. Another error may be the model's (AMB-28).
fn taken(case: &Case<'_>, kind: &str) -> Outcome {
    let label = format!("content/{kind}");
    let call = call!(case, &label);
    match call.code() {
        Some(-32602..=-32600) => Outcome::broken("a turn", call.said(), call.places()),
        Some(_) => Outcome::NotExercised(format!("the turn ended with {}", call.said())),
        None => succeeds(case, &label),
    }
}

/// Tool calls and plans.
pub(super) const REPORTS: Scenario = Scenario {
    name: "reports",
    about: "lets the agent make a plan",
    play: |probe| Box::pin(reports(probe)),
    checks: &[
        Check::new("PLAN-01", a_plan_is_reported),
        Check::new("PLAN-02", entries_are_whole),
        Check::new("PLAN-03", progress_is_reported),
        Check::new("PLAN-04", every_plan_is_complete),
    ],
};

async fn reports(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let session = probe.session("new").await?;
    let _ = probe.prompt("plan", &session, prompts::PLAN).await?;
    Ok(())
}

/// The entries of each plan, with its place.
fn plans<'c>(case: &'c Case<'_>) -> Result<Vec<(usize, &'c [Value])>, Outcome> {
    let of = |message: &'c crate::core::history::Message| {
        let entries = message.update()?["entries"].as_array()?;
        (message.update_kind() == Some("plan")).then_some((message.index, entries.as_slice()))
    };
    let plans: Vec<_> = case.received().filter_map(of).collect();
    if plans.is_empty() { Err(Outcome::NotExercised("the agent made no plan".to_owned())) } else { Ok(plans) }
}

fn entries_are_whole(case: &Case<'_>) -> Outcome {
    let plans = match plans(case) {
        Ok(plans) => plans,
        Err(why) => return why,
    };
    let one_of = |value: &Value, known: [&str; 3]| value.as_str().is_some_and(|value| known.contains(&value));
    let good = |entry: &Value| {
        entry["content"].is_string()
            && one_of(&entry["priority"], ["high", "medium", "low"])
            && one_of(&entry["status"], ["pending", "in_progress", "completed"])
    };
    let wrong = plans.iter().find_map(|(place, entries)| Some((*place, entries.iter().find(|entry| !good(entry))?)));
    match wrong {
        Some((place, entry)) => Outcome::broken("content, priority and status", brief(entry), vec![place]),
        None => Outcome::Pass,
    }
}

fn progress_is_reported(case: &Case<'_>) -> Outcome {
    let plans = match plans(case) {
        Ok(plans) => plans,
        Err(why) => return why,
    };
    let first = plans[0].0;
    let done = |entries: &[Value]| entries.iter().any(|entry| entry["status"] == "completed");
    let told = plans.len() > 1 && plans.iter().any(|(_, entries)| done(entries));
    if !told && !case.is_scripted() {
        return Outcome::NotExercised("nothing shows that the model went on with its plan".to_owned());
    }
    Outcome::pass_if(told, || Outcome::broken("a second plan with a completed step", "none", vec![first]))
}

/// A plan may grow while it is made. One that shrinks, while a step of it is only marked, is likely to be just the change.
fn every_plan_is_complete(case: &Case<'_>) -> Outcome {
    let plans = match plans(case) {
        Ok(plans) => plans,
        Err(why) => return why,
    };
    match plans.windows(2).find(|two| two[1].1.len() < two[0].1.len()) {
        Some([before, after]) => Outcome::doubtful(
            format!("a plan with all {} steps", before.1.len()),
            format!("one with {}", after.1.len()),
            vec![before.0, after.0],
        ),
        _ => Outcome::Pass,
    }
}

/// That there is none is the agent's doing only when its model has certainly made one.
fn a_plan_is_reported(case: &Case<'_>) -> Outcome {
    let call = call!(case, "plan");
    match (plans(case), case.is_scripted()) {
        (Ok(_), _) => Outcome::Pass,
        (Err(_), true) if call.result().is_some() => Outcome::broken("a plan", "none", call.places()),
        (Err(why), _) => why,
    }
}

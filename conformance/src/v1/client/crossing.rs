//! Answers in another order than that of the requests.

use serde_json::json;

use super::stage::Turn;
use crate::core::check::Check;
use crate::core::history::Case;
use crate::core::probe::{Host, Probe, SESSION, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

/// A slow agent.
pub(super) const CROSSING: Scenario = Scenario {
    name: "client-crossing",
    about: "answers what the client asks first only after a while, the last first",
    play: |probe| Box::pin(crossing(probe)),
    checks: &[Check::new("RPC-08", answers_are_matched_by_id)],
};

async fn crossing(probe: &mut Probe) -> Result<(), Stop> {
    let host = Host::with(json!({ "sessionCapabilities": { "list": {} } }));
    probe.host = Some(Host { hold_all: true, ..host });
    probe.open().await?;
    let limit = probe.limits().step;
    let asks = |message: &crate::core::history::Message| message.id().is_some() && !message.requests("initialize");
    probe.until("anything behind initialize", limit, asks).await?;
    // One that has a single request open at a time sends no second one.
    probe.look_for(probe.limits().grace, asks).await?;
    let held = probe.release().await?;
    probe.note("held", json!(held));
    let prompt = probe.until("prompt", limit, |message| message.requests("session/prompt")).await?;
    Turn { prompt: prompt.id().cloned().unwrap_or_default() }.done(probe).await
}

/// The answer to another request has no session in it.
fn answers_are_matched_by_id(case: &Case<'_>) -> Outcome {
    let Some(held) = case.note("held").and_then(serde_json::Value::as_u64) else {
        return Outcome::NotExercised(case.why_not("held"));
    };
    if held < 2 {
        return Outcome::NotExercised("the client has one request open at a time".to_owned());
    }
    let expected = format!("a prompt to the session {SESSION}");
    match case.received().find(|message| message.requests("session/prompt")) {
        Some(prompt) if prompt.params().is_some_and(|params| params["sessionId"] == SESSION) => Outcome::Pass,
        Some(prompt) => Outcome::broken(expected, "a prompt to another", vec![prompt.index]),
        None => Outcome::broken(expected, "none", case.asked("session/new").iter().flat_map(|c| c.places()).collect()),
    }
}

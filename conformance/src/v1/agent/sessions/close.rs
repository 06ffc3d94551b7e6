//! Sessions that are closed.

use serde_json::json;

use super::super::cancel;
use super::object::an_object;
use crate::core::check::{Check, call, fails_with, needs};
use crate::core::history::Case;
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// Sessions that are closed.
pub(in super::super) const CLOSE: Scenario = Scenario {
    name: "close",
    about: "closes an idle session and one in mid-turn, and prompts after it",
    play: |probe| Box::pin(close(probe)),
    checks: &[
        Check::new("CLOSE-03", |case| {
            needs!(case, "sessionCapabilities"."close");
            the_turn_was_cancelled(case)
        }),
        Check::new("CLOSE-05", |case| {
            needs!(case, "sessionCapabilities"."close");
            an_object(case, "close/idle")
        }),
        Check::new("CLOSE-07", |case| {
            needs!(case, "sessionCapabilities"."close");
            fails_with(case, "close/prompt", -32002)
        }),
    ],
};

async fn close(probe: &mut Probe) -> Result<(), Stop> {
    let agent = probe.begin().await?;
    if agent["agentCapabilities"]["sessionCapabilities"]["close"].is_null() {
        return Ok(());
    }
    let idle = probe.session("close/new").await?;
    let _ = probe.call("close/idle", "session/close", json!({ "sessionId": idle })).await?;
    let _ = probe.prompt("close/prompt", &idle, prompts::REPLY).await?;
    let busy = probe.session("close/new-busy").await?;
    let turn = probe.ask("close/turn", "session/prompt", prompt_of(&busy, prompts::COUNT)).await?;
    cancel::under_way(probe, "close/under-way", &turn).await?;
    let close = probe.ask("close/busy", "session/close", json!({ "sessionId": busy })).await?;
    // Either answer may come first (AMB-11).
    let mut open = vec![turn, close];
    let limit = probe.limits().step;
    probe
        .until("close/answers", limit, |message| {
            if message.method().is_none()
                && let Some(id) = message.id()
            {
                open.retain(|waiting| waiting != id);
            }
            open.is_empty()
        })
        .await?;
    Ok(())
}

fn the_turn_was_cancelled(case: &Case<'_>) -> Outcome {
    let call = call!(case, "close/turn");
    let close = call!(case, "close/busy");
    if close.error().is_some() {
        return Outcome::NotExercised(format!("the close was answered with {}", close.said()));
    }
    if let Err(why) = cancel::ran_at(case, &call, close.request) {
        return why;
    }
    let reason = call.result().map(|result| &result["stopReason"]);
    Outcome::pass_if(reason.is_some_and(|reason| reason == "cancelled"), || {
        Outcome::broken("a result with stopReason cancelled", call.said(), call.places())
    })
}

//! Cancels of an agent that does not obey, and of nothing.

use serde_json::json;

use super::view;
use crate::core::check::{Check, all, call};
use crate::core::history::Case;
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts::{self, far};

/// A cancel that the agent ignores.
pub(super) const CANCEL: Scenario = Scenario {
    name: "durable-cancel",
    about: "cancels a turn of an agent that ignores it, then nothing",
    play: |probe| Box::pin(cancel(probe)),
    checks: &[Check::new("P5", |case| {
        all([
            ended(case, "deaf", "cancelled"),
            ended(case, "after/deaf", "end_turn"),
            ended(case, "after/idle", "end_turn"),
        ])
    })],
};

async fn cancel(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let session = probe.session("session").await?;
    let stop = json!({ "sessionId": session });
    probe.notify("idle", "session/cancel", stop.clone()).await?;
    let _ = probe.prompt("after/idle", &session, prompts::REPLY).await?;
    let id = probe.ask("deaf", "session/prompt", prompt_of(&session, far::DEAF)).await?;
    view::until_said(probe, "waiting").await?;
    probe.notify("cancel", "session/cancel", stop).await?;
    let _ = probe.answer("deaf", &id, probe.limits().step).await?;
    let _ = probe.prompt("after/deaf", &session, prompts::REPLY).await?;
    Ok(())
}

fn ended(case: &Case<'_>, label: &str, reason: &str) -> Outcome {
    // A turn that does not end leaves the rest undone, which says nothing of the rest.
    let call = call!(case, label);
    Outcome::pass_if(call.result().is_some_and(|result| result["stopReason"] == reason), || {
        Outcome::broken(format!("`{label}` to end as {reason}"), call.said(), call.places())
    })
}

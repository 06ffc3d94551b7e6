//! Sessions that are resumed.

use serde_json::json;

use super::earlier::{NOBODYS, first_turn, is_conversation, turn_to_come_back_to, works_after};
use super::object::an_object;
use crate::core::check::{Check, call, fails_with, needs};
use crate::core::history::Case;
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// A turn, and its session resumed in a new process.
pub(in super::super) const RESUME: Scenario = Scenario {
    name: "resume",
    about: "has a turn, then resumes its session in a new process, prompts again, and resumes one that does not exist",
    play: |probe| Box::pin(resume(probe)),
    checks: &[
        Check::new("RESUME-03", nothing_is_replayed_on_resume),
        Check::new("RESUME-04", |case| {
            needs!(case, "sessionCapabilities"."resume");
            works_after(case, "resume", "resume/prompt")
        }),
        Check::new("RESUME-06", |case| {
            needs!(case, "sessionCapabilities"."resume");
            first_turn(case).map_or_else(|why| why, |_| an_object(case, "resume"))
        }),
        Check::new("RESUME-07", |case| {
            needs!(case, "sessionCapabilities"."resume");
            fails_with(case, "resume/unknown", -32002)
        }),
    ],
};

async fn resume(probe: &mut Probe) -> Result<(), Stop> {
    let agent = probe.begin().await?;
    if agent["agentCapabilities"]["sessionCapabilities"]["resume"].is_null() {
        return Ok(());
    }
    let session = turn_to_come_back_to(probe).await?;
    probe.begin().await?;
    let params = json!({ "sessionId": session, "cwd": probe.directory(), "mcpServers": [] });
    let _ = probe.call("resume", "session/resume", params).await?;
    let _ = probe.prompt("resume/prompt", &session, prompts::REPLY).await?;
    let unknown = json!({ "sessionId": NOBODYS, "cwd": probe.directory(), "mcpServers": [] });
    let _ = probe.call("resume/unknown", "session/resume", unknown).await?;
    Ok(())
}

fn nothing_is_replayed_on_resume(case: &Case<'_>) -> Outcome {
    needs!(case, "sessionCapabilities"."resume");
    let call = call!(case, "resume");
    if call.result().is_none() {
        return Outcome::NotExercised(format!("the session was not resumed, but {}", call.said()));
    }
    let replayed =
        case.received().find(|m| m.index > call.request.index && m.index < call.until() && is_conversation(m));
    match replayed {
        Some(message) => {
            Outcome::broken("no history before the answer", "an update", vec![call.request.index, message.index])
        }
        None => Outcome::Pass,
    }
}

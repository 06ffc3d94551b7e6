//! Tools and plans, for the checks that ask about what is told of them, and tool calls that can be stopped.

use serde_json::json;

use super::stage::{self, End};
use crate::core::check::Check;
use crate::core::history::{Case, Message};
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// Tools and a plan.
pub(super) const REPORTS: Scenario = Scenario {
    name: "v2-reports",
    about: "lets the agent write a file, run a command and make a plan",
    play: |probe| Box::pin(reports(probe)),
    checks: &[],
};

async fn reports(probe: &mut Probe) -> Result<(), Stop> {
    stage::begin(probe).await?;
    for (label, text) in [("write", prompts::WRITE), ("terminal", prompts::TERMINAL), ("plan", prompts::PLAN)] {
        let session = probe.session(&format!("{label}/new")).await?;
        stage::turn(probe, label, &session, text).await?;
    }
    Ok(())
}

/// A tool call that is stopped, where it says that it can be.
pub(super) const CALL: Scenario = Scenario {
    name: "v2-tool-cancel",
    about: "lets the agent run a long command, and stops the tool call if it says that it can be stopped",
    play: |probe| Box::pin(call(probe)),
    checks: &[Check::new("V2-26/a", a_call_that_can_be_stopped_is)],
};

const FINAL: [&str; 3] = ["completed", "failed", "cancelled"];

async fn call(probe: &mut Probe) -> Result<(), Stop> {
    let session = stage::session(probe).await?;
    let limit = probe.limits().turn;
    let id = probe.ask("turn", "session/prompt", prompt_of(&session, prompts::background::WAIT)).await?;
    let (mut end, mut over, mut stoppable) = (End::default(), false, None);
    let running = |message: &Message| {
        over = end.saw(message, &session, &id);
        stoppable = stoppable.take().or_else(|| stops(message));
        let runs = message.update().is_some_and(|update| update["status"] == "in_progress");
        over || stoppable.is_some() || (runs && message.update_kind() == Some("tool_call_update"))
    };
    probe.until("running", limit, running).await?;
    if let Some(call) = stoppable.filter(|_| !over) {
        let params = json!({ "sessionId": session, "toolCallId": call });
        let mut ended = false;
        let request = probe.ask("stop", "tool_call/cancel", params).await?;
        let mut answered = false;
        let done = |message: &Message| {
            over |= end.saw(message, &session, &id);
            ended |= ends(message, &call);
            answered |= message.id() == Some(&request) && message.method().is_none();
            // One that is refused does not end.
            answered
                && (ended
                    || over
                    || matches!(message.body, crate::core::history::Body::Response { outcome: Err(_), .. }))
        };
        probe.until("stop", probe.limits().step, done).await?;
    }
    if !over {
        probe.notify("cancel", "session/cancel", json!({ "sessionId": session })).await?;
        probe.until("turn", limit, |message| end.saw(message, &session, &id)).await?;
    }
    Ok(())
}

/// The tool call of an update that says that it can be stopped.
fn stops(message: &Message) -> Option<String> {
    let update = message.update().filter(|_| message.update_kind() == Some("tool_call_update"))?;
    update["capabilities"]["cancel"].is_object().then(|| update["toolCallId"].as_str().map(str::to_owned)).flatten()
}

/// Returns whether an update tells the end of this tool call.
fn ends(message: &Message, call: &str) -> bool {
    message.update().is_some_and(|update| {
        update["toolCallId"] == *call && update["status"].as_str().is_some_and(|status| FINAL.contains(&status))
    })
}

fn a_call_that_can_be_stopped_is(case: &Case<'_>) -> Outcome {
    let Some(call) = case.call("stop") else {
        return Outcome::NotApplicable("no tool call said that it can be cancelled".to_owned());
    };
    let id = call.request.params().and_then(|params| params["toolCallId"].as_str()).unwrap_or_default();
    let ended: Vec<&Message> = case.received().filter(|message| ends(message, id)).collect();
    if ended.iter().any(|message| message.index < call.until()) && call.error().is_some() {
        return Outcome::NotExercised("the tool call had ended before it could be stopped".to_owned());
    }
    if call.result().is_none() {
        let expected = "a result, as the tool call has capabilities.cancel";
        return Outcome::broken(expected, call.said(), call.places());
    }
    Outcome::pass_if(!ended.is_empty(), || {
        Outcome::broken("a final status of the tool call", "none in time", call.places())
    })
}

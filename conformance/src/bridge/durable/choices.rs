//! Choices of a client, and an agent that forgets them.

use serde_json::{Value, json};

use super::super::seen;
use super::view::{self, OURS, TURN_ENDED};
use crate::core::check::{Check, call};
use crate::core::history::{Case, Message};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts::far;

/// A mode and an option, then an agent that is started again without them.
pub(super) const CHOICES: Scenario = Scenario {
    name: "durable-choices",
    about: "sets a mode and an option, has the agent forget them and die, and prompts the next one",
    play: |probe| Box::pin(view::beside(probe, |probe, other, session| Box::pin(watched(probe, other, session)))),
    checks: &[Check::new("P14", it_is_in_force_or_all_are_told)],
};

const MODE: &str = "code";
const MODEL: &str = "large";

async fn watched(probe: &mut Probe, other: &mut Probe, session: &str) -> Result<(), Stop> {
    other.begin().await?;
    view::resume(other, "beside", session, None).await?;
    let mode = json!({ "sessionId": session, "modeId": MODE });
    let _ = probe.call("mode", "session/set_mode", mode).await?;
    let model = json!({ "sessionId": session, "configId": "model", "value": MODEL });
    let _ = probe.call("model", "session/set_config_option", model).await?;
    for (label, text) in [("forgets", far::FORGET), ("echo", far::ECHO)] {
        let _ = probe.prompt(label, session, text).await?;
        // What is told of the turn comes before its end.
        view::until(other, TURN_ENDED, probe.limits().step).await?;
    }
    Ok(())
}

/// The agent that got the next prompt got both before it; or both clients were told, since the first one died, that what it
/// did not get is not in force.
fn it_is_in_force_or_all_are_told(case: &Case<'_>) -> Outcome {
    let (mode, model) = (call!(case, "mode"), call!(case, "model"));
    for set in [&mode, &model] {
        if set.result().is_none() {
            return Outcome::NotExercised(format!("the agent did not take it: {}", set.said()));
        }
    }
    let (forgets, beside) = (call!(case, "forgets"), call!(case, "beside"));
    let told = match seen::told(case, "echo") {
        Ok(told) => told,
        Err(outcome) => return outcome,
    };
    let got = told["got"].as_array().map(Vec::as_slice).unwrap_or_default();
    let prompted = got.iter().position(|message| message["method"] == "session/prompt").unwrap_or(got.len());
    let before = got.get(..prompted).unwrap_or_default();
    for (set, method, member, value) in
        [(&mode, "session/set_mode", "modeId", MODE), (&model, "session/set_config_option", "value", MODEL)]
    {
        if before.iter().any(|message| message["method"] == method && message["params"][member] == value) {
            continue;
        }
        let since = |on: u32| case.received().filter(move |m| m.on == on && m.index > forgets.request.index);
        let untold =
            [forgets.request.on, beside.request.on].into_iter().find(|&on| !since(on).any(|m| says(m, method)));
        if untold.is_some() {
            let expected = format!("the next agent to get {value:?} before its prompt, or both clients to be told");
            return Outcome::broken(expected, "neither", set.places());
        }
    }
    Outcome::Pass
}

/// Returns whether an update says that a value set by this method is not in force.
fn says(message: &Message, method: &str) -> bool {
    let Some(update) = message.update() else { return false };
    let lost = update["_meta"][OURS]["lost"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_lost = lost.iter().any(|lost| lost["choice"]["method"] == method);
    let other = match method {
        "session/set_mode" => update["currentModeId"].as_str().is_some_and(|mode| mode != MODE),
        _ => model(update).is_some_and(|model| model != MODEL),
    };
    is_lost || other
}

/// The model that an update shows.
fn model(update: &Value) -> Option<&str> {
    let options = update["configOptions"].as_array()?;
    options.iter().find(|option| option["id"] == "model")?["currentValue"].as_str()
}

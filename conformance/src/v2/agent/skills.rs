//! Agent skills, for clients that take them.

use serde_json::json;

use super::refusals::refused_with;
use super::stage;
use crate::core::check::Check;
use crate::core::each::{each, items};
use crate::core::history::{Body, Case, Message};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;
use crate::v2::VERSION;

/// A session with a client that takes skills, which invokes one that is none.
pub(super) const SKILLS: Scenario = Scenario {
    name: "v2-skills",
    about: "makes a session for a client that takes skills, and invokes one that does not exist",
    play: |probe| Box::pin(play(probe)),
    checks: &[Check::new("V2-35", an_unknown_skill_is_refused)],
};

async fn play(probe: &mut Probe) -> Result<(), Stop> {
    let mut params = stage::introduction(VERSION.into());
    params["capabilities"] = json!({ "session": { "commands": { "skill": {} } } });
    probe.open().await?;
    let answer = probe.call("initialize", "initialize", params).await?;
    let Ok(agent) = answer else { return Err(Stop::Refused("initialize was refused".to_owned())) };
    if agent["protocolVersion"] != VERSION || agent["capabilities"]["session"].is_null() {
        return Ok(());
    }
    let session = probe.session("new").await?;
    probe.quiet("new/after").await?;
    if !agent["capabilities"]["session"]["prompt"]["skill"].is_object() {
        return Ok(());
    }
    let prompt =
        json!([{ "type": "skill", "name": "conformance-no-such-skill" }, { "type": "text", "text": prompts::REPLY }]);
    let _ = probe.call("unknown", "session/prompt", json!({ "sessionId": session, "prompt": prompt })).await?;
    Ok(())
}

/// Commands that a message tells of, in a result or an update.
fn skills(message: &Message) -> bool {
    let commands = match &message.body {
        Body::Response { outcome: Ok(result), .. } => &result["availableCommands"],
        _ => match message.update() {
            Some(update) => &update["availableCommands"],
            None => return false,
        },
    };
    items(commands).iter().any(|command| command["type"] == "skill")
}

pub(super) fn skills_are_for_clients_that_take_them(case: &Case<'_>) -> Outcome {
    each(case, skills, |message| {
        let client = case.introduced(message.on).map(|params| &params["capabilities"]["session"]["commands"]["skill"]);
        if !client.is_some_and(serde_json::Value::is_object) {
            let expected = "no skill for a client without session.commands.skill";
            return Some(Outcome::broken(expected, "one", vec![message.index]));
        }
        let agent = case.initialized(message.on).map(|agent| &agent["capabilities"]["session"]["prompt"]["skill"]);
        (!agent.is_some_and(serde_json::Value::is_object))
            .then(|| Outcome::broken("session.prompt.skill of an agent with skills", "none", vec![message.index]))
    })
}

fn an_unknown_skill_is_refused(case: &Case<'_>) -> Outcome {
    let takes = case.call("initialize").and_then(|call| call.result()).map(|agent| &agent["capabilities"]["session"]);
    if takes.is_some_and(|session| !session["prompt"]["skill"].is_object()) {
        return Outcome::NotApplicable("the agent does not have session.prompt.skill".to_owned());
    }
    refused_with(case, "unknown", -32602)
}

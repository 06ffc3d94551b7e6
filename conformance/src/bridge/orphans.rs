//! Agents that are left behind. What a bridge leaves when it ends itself is not to be seen: whatever the tester started, with
//! all that came of it, ends with its first process.

use serde_json::{Value, json};

use super::process::Process;
use super::seen;
use crate::core::check::Check;
use crate::core::history::{Case, Message};
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts::far;

/// The end of the agent's process.
pub(super) const ORPHANS: Scenario = Scenario {
    name: "bridge-orphans",
    about: "has the agent end, and looks for its process",
    play: |probe| Box::pin(orphans(probe)),
    checks: &[Check::new("BRIDGE-09/a", nothing_is_left_of_the_agent)],
};

async fn orphans(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let session = probe.session("session").await?;
    let Some(agent) = agent(probe, &session).await? else { return Ok(()) };
    let id = probe.ask("die", "session/prompt", prompt_of(&session, far::DIE)).await?;
    // What comes of the turn is for another check.
    let _ = probe.answer("die", &id, probe.limits().step).await;
    let left = agent.ends(probe.limits().step).await;
    probe.note("left", json!(left.as_str()));
    Ok(())
}

/// The agent's process. `None` if it is none of its own on this machine.
async fn agent(probe: &mut Probe, session: &str) -> Result<Option<Process>, Stop> {
    let id = probe.ask("who", "session/prompt", prompt_of(session, far::ECHO)).await?;
    let mut said = String::new();
    let listen = |message: &Message| {
        said.push_str(seen::text(message).unwrap_or_default());
        message.method().is_none() && message.id() == Some(&id)
    };
    let limit = probe.limits().turn;
    probe.until("who", limit, listen).await?;
    let told: Value = serde_json::from_str(&said).unwrap_or_default();
    let pid = told["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
    Ok(pid.filter(|pid| *pid != std::process::id()).and_then(Process::of))
}

fn nothing_is_left_of_the_agent(case: &Case<'_>) -> Outcome {
    let Some(left) = case.note("left").and_then(Value::as_str) else {
        let why = "the agent is no process of its own that this machine shows";
        return Outcome::NotExercised(why.to_owned());
    };
    let expected = "no process of the agent some time after it ended";
    let places = || case.labelled("die").map(|message| message.index).into_iter().collect();
    match left {
        "nothing" => Outcome::Pass,
        "zombie" => Outcome::doubtful(expected, "it has ended and was not waited for", places()),
        _ => Outcome::broken(expected, "it goes on", places()),
    }
}

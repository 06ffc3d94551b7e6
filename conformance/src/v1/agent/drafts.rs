//! Updates that only some clients take: plans with ids, cursors, suggestions.

use serde_json::json;

use crate::core::check::{Check, call, needs};
use crate::core::history::{Case, Message};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// Turns with a client that takes them all, a load, and turns with one that takes none.
pub(super) const DRAFTS: Scenario = Scenario {
    name: "drafts",
    about: "has a plan made and a prompt answered for a client that takes plans with ids, cursors and suggestions, loads \
            the session, and does the same for one that takes none of them",
    play: |probe| Box::pin(drafts(probe)),
    checks: &[Check::new("SUGGEST-03", suggestions_are_of_their_moment)],
};

async fn drafts(probe: &mut Probe) -> Result<(), Stop> {
    probe.capabilities = json!({ "plan": {}, "session": { "cursors": {}, "promptSuggestions": {} } });
    let agent = probe.begin().await?;
    let session = probe.session("with/new").await?;
    turns(probe, "with", &session).await?;
    if agent["agentCapabilities"]["loadSession"] == true {
        probe.begin().await?;
        let params = json!({ "sessionId": session, "cwd": probe.directory(), "mcpServers": [] });
        let _ = probe.call("load", "session/load", params).await?;
    }
    probe.capabilities = json!({});
    probe.begin().await?;
    let session = probe.session("without/new").await?;
    turns(probe, "without", &session).await
}

async fn turns(probe: &mut Probe, way: &str, session: &str) -> Result<(), Stop> {
    let _ = probe.prompt(&format!("{way}/plan"), session, prompts::PLAN).await?;
    let _ = probe.prompt(&format!("{way}/reply"), session, prompts::REPLY).await?;
    // Suggestions may come behind the end of a turn.
    probe.quiet(&format!("{way}/after")).await
}

fn suggestions_are_of_their_moment(case: &Case<'_>) -> Outcome {
    needs!(case, "loadSession");
    let load = call!(case, "load");
    let suggests = |message: &&Message| message.update_kind() == Some("prompt_suggestions_update");
    if !case.received().any(|message| suggests(&message) && message.on < load.request.on) {
        return Outcome::NotExercised("the agent made no suggestions".to_owned());
    }
    let within = |message: &&Message| message.index > load.request.index && message.index < load.until();
    match case.received().filter(suggests).find(within) {
        Some(again) => Outcome::broken("no suggestions in the replay", "some", vec![load.request.index, again.index]),
        None => Outcome::Pass,
    }
}

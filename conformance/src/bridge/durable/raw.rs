//! Bytes as the agent sent them.

use crate::core::check::{Check, call};
use crate::core::history::{Case, What};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts::far;

/// Numbers and an order of members that a parser would change.
pub(super) const RAW: Scenario = Scenario {
    name: "durable-raw",
    about: "has an update sent whose members a parser would change",
    play: |probe| Box::pin(raw(probe)),
    checks: &[Check::new("P11", the_bytes_are_the_agents)],
};

async fn raw(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let session = probe.session("session").await?;
    let _ = probe.prompt("raw", &session, far::RAW).await?;
    Ok(())
}

fn the_bytes_are_the_agents(case: &Case<'_>) -> Outcome {
    let call = call!(case, "raw");
    let sent = |what: &What| matches!(what, What::Received { line } if line.shown().contains(far::RAW_FRAGMENT));
    Outcome::pass_if(case.history().events.iter().any(|event| sent(&event.what)), || {
        let came = super::super::seen::updates(case, &call);
        let places = call.places().into_iter().chain(came.first().map(|message| message.index)).collect();
        Outcome::broken(format!("an update with {}", far::RAW_FRAGMENT), "none", places)
    })
}

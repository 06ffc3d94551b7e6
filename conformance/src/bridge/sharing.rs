//! Sessions and clients side by side.

use super::seen;
use crate::core::check::{Check, call};
use crate::core::history::Case;
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// Two sessions of one client and one of another.
pub(super) const SHARING: Scenario = Scenario {
    name: "bridge-sharing",
    about: "prompts at once in two sessions of one client and in one of another",
    play: |probe| Box::pin(sharing(probe)),
    checks: &[Check::new("BRIDGE-10", nothing_is_mixed)],
};

const MARKERS: [&str; 3] = ["marker-one", "marker-two", "marker-three"];

async fn sharing(probe: &mut Probe) -> Result<(), Stop> {
    let mut other = probe.another();
    let played = both(probe, &mut other).await;
    probe.absorb(other).await;
    played
}

async fn both(probe: &mut Probe, other: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    other.begin().await?;
    let limit = probe.limits().turn;
    let sessions = [probe.session("session/1").await?, probe.session("session/2").await?];
    let third = other.session("session/3").await?;
    let mut asked = Vec::new();
    for (marker, session) in MARKERS.iter().zip(&sessions) {
        asked.push(probe.ask(marker, "session/prompt", prompt_of(session, &text(marker))).await?);
    }
    let last = other.ask(MARKERS[2], "session/prompt", prompt_of(&third, &text(MARKERS[2]))).await?;
    probe.answers("the ends of both turns", asked, limit).await?;
    let _ = other.answer(MARKERS[2], &last, limit).await?;
    probe.quiet("after").await?;
    other.quiet("after/other").await
}

fn text(marker: &str) -> String {
    format!("{} {marker}", prompts::REPLY)
}

fn nothing_is_mixed(case: &Case<'_>) -> Outcome {
    for marker in MARKERS {
        let call = call!(case, marker);
        let session = seen::session(&call);
        let said = case.received().filter(|message| seen::text(message).is_some_and(|text| text.contains(marker)));
        let mut seen = false;
        for message in said {
            let named = message.params().map(|params| params["sessionId"].clone()).unwrap_or_default();
            if message.on != call.request.on || named != session.as_str() {
                let places = vec![call.request.index, message.index];
                let expected = format!("the answer to {marker} for its client, in {session}");
                let actual = format!("it came to connection {}, in {named}", message.on);
                return Outcome::broken(expected, actual, places);
            }
            seen = true;
        }
        if !seen {
            return Outcome::broken(format!("an answer with {marker}"), call.said(), call.places());
        }
    }
    Outcome::Pass
}

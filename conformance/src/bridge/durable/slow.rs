//! A client that does not read.

use super::super::seen;
use super::view::{self, TURN_ENDED};
use crate::core::check::{Check, call};
use crate::core::history::Case;
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts::far;

/// One reads and one does not.
pub(super) const SLOW: Scenario = Scenario {
    name: "durable-slow",
    about: "follows a session without reading while much is sent to another client, then reads",
    play: |probe| Box::pin(view::beside(probe, |probe, other, session| Box::pin(beside(probe, other, session)))),
    checks: &[Check::new("P10", nobody_waits_and_nothing_is_lost)],
};

async fn beside(probe: &mut Probe, other: &mut Probe, session: &str) -> Result<(), Stop> {
    other.begin().await?;
    view::resume(other, "resume", session, None).await?;
    // Nothing of the other is read until the turn is over.
    let _ = probe.prompt("prompt", session, far::FLOOD).await?;
    view::until(other, TURN_ENDED, probe.limits().turn).await.map(drop)
}

fn nobody_waits_and_nothing_is_lost(case: &Case<'_>) -> Outcome {
    let prompt = call!(case, "prompt");
    let sent: String = (1..=far::PIECES).map(far::piece).collect();
    let said = seen::said(case, &prompt);
    if prompt.result().is_none() || said != sent {
        let actual = format!("{} after {} bytes", prompt.said(), said.len());
        return Outcome::broken("the whole turn for the client that reads", actual, prompt.places());
    }
    let resumed = call!(case, "resume");
    let records = view::records(case, resumed.request.on, resumed.request.index, usize::MAX);
    let read: String = records.iter().filter_map(|(_, message)| seen::text(message)).collect();
    Outcome::pass_if(read == sent, || {
        let expected = format!("{} bytes for the client that reads late", sent.len());
        Outcome::broken(
            expected,
            format!("{}{}", read.len(), if read.len() == sent.len() { ", others" } else { "" }),
            resumed.places(),
        )
    })
}

//! Every turn ends once.

use std::collections::HashSet;

use super::view::{self, TURN_ENDED};
use crate::core::check::{Check, call};
use crate::core::history::Case;
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts::{self, far};

/// Turns that end in several ways.
pub(super) const ENDS: Scenario = Scenario {
    name: "durable-ends",
    about: "has turns end well, in an error, and with the agent, before a second client",
    play: |probe| Box::pin(view::beside(probe, |probe, other, session| Box::pin(watched(probe, other, session)))),
    checks: &[Check::new("P7", each_ends_once)],
};

const PROMPTS: [(&str, &str); 3] =
    [("well", prompts::REPLY), ("failed", "Fail with the code 4711"), ("died", far::DIE)];
const OUTCOMES: [&str; 4] = ["completed", "cancelled", "failed", "interrupted"];

async fn watched(probe: &mut Probe, other: &mut Probe, session: &str) -> Result<(), Stop> {
    other.begin().await?;
    view::resume(other, "resume", session, None).await?;
    for (label, text) in PROMPTS {
        let _ = probe.prompt(label, session, text).await?;
        view::until(other, TURN_ENDED, probe.limits().step).await?;
    }
    other.quiet("after").await
}

/// Who prompts is answered; who watches is told of each turn once. An error is the agent's own and names no turn, so they
/// are held together by their order.
fn each_ends_once(case: &Case<'_>) -> Outcome {
    let resumed = call!(case, "resume");
    let ends = view::told(case, resumed.request.on, TURN_ENDED);
    let mut left = ends.iter();
    for (label, _) in PROMPTS {
        let call = call!(case, label);
        if call.answer.is_none() {
            return Outcome::broken(format!("an end of the turn of `{label}`"), "none", call.places());
        }
        let Some(params) = left.next().and_then(|end| end.params()) else {
            return Outcome::broken(
                format!("the end of the turn of `{label}` to the client that watches"),
                "none",
                call.places(),
            );
        };
        let known = OUTCOMES.iter().any(|known| params["outcome"] == *known);
        if !known || (params["outcome"] == "completed") != call.result().is_some() {
            let expected = format!("one of {}, the same to both", OUTCOMES.join(", "));
            return Outcome::broken(expected, format!("{} and {}", call.said(), params["outcome"]), call.places());
        }
    }
    let turns: HashSet<String> = ends.iter().filter_map(|end| Some(end.params()?["turn"].to_string())).collect();
    Outcome::pass_if(left.len() == 0 && turns.len() == ends.len(), || {
        let places = ends.iter().map(|end| end.index).collect();
        Outcome::broken(format!("{} ends, one of each turn", PROMPTS.len()), format!("{}", ends.len()), places)
    })
}

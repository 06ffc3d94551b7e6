//! Child sessions, which every client of version 2 takes.

use serde_json::Value;

use super::stage;
use crate::core::check::Check;
use crate::core::history::{Case, Message};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts::children;
use crate::v1::invariants::children::announced;

/// A turn that delegates.
pub(super) const CHILDREN: Scenario = Scenario {
    name: "v2-children",
    about: "has the agent delegate",
    play: |probe| Box::pin(play(probe)),
    checks: &[Check::new("V2-33", parents_mirror_states)],
};

async fn play(probe: &mut Probe) -> Result<(), Stop> {
    let session = stage::session(probe).await?;
    stage::turn(probe, "delegate", &session, children::DELEGATE).await?;
    probe.quiet("after").await
}

fn parents_mirror_states(case: &Case<'_>) -> Outcome {
    let mut found = Outcome::NotExercised("the agent told of no child's state".to_owned());
    for (id, first) in announced(case) {
        let own = |message: &&Message| message.on == first.on && stage::state(message, id).is_some();
        let Some(last) = case.received().filter(own).last() else { continue };
        let told = |message: &&Message| {
            message.on == first.on
                && message.announced_child() == Some(id)
                && message.update().is_some_and(|update| update["state"].is_object())
        };
        let mirrored = case.received().filter(told).last();
        let state =
            mirrored.and_then(|message| message.update()).map_or(&Value::Null, |update| &update["state"]["state"]);
        found = found.and(Outcome::pass_if(state.as_str() == stage::state(last, id), || {
            let expected =
                format!("the state {:?} in its parent's subagent_update", stage::state(last, id).unwrap_or_default());
            let places = std::iter::once(last.index).chain(mirrored.map(|message| message.index)).collect();
            Outcome::broken(expected, state.to_string(), places)
        }));
    }
    found
}

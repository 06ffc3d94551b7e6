//! A turn: it is accepted, runs, and ends when the session is idle again.

use super::stage::{self, Turn};
use crate::core::check::Check;
use crate::core::history::{Case, What, brief};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// A turn with one short text.
pub(super) const TURN: Scenario = Scenario {
    name: "v2-turn",
    about: "prompts for a short text and waits until the session is idle again",
    play: |probe| Box::pin(play(probe)),
    checks: &[
        Check::new("V2-06", the_message_is_told_under_one_id),
        Check::new("V2-07", it_runs_and_is_idle_again),
        Check::new("V2-08", the_end_has_a_reason),
    ],
};

async fn play(probe: &mut Probe) -> Result<(), Stop> {
    let session = stage::session(probe).await?;
    stage::turn(probe, "turn", &session, prompts::REPLY).await?;
    probe.quiet("after").await
}

/// Updates about messages of the user.
const USER: [&str; 2] = ["user_message", "user_message_chunk"];

fn the_message_is_told_under_one_id(case: &Case<'_>) -> Outcome {
    let turn = match Turn::of(case, "turn") {
        Ok(turn) => turn,
        Err(why) => return why,
    };
    let of_user = |kind: &str| USER.contains(&kind);
    let told: Vec<_> = turn.updates.iter().copied().filter(|m| m.update_kind().is_some_and(of_user)).collect();
    if told.is_empty() {
        let actual = "neither user_message nor user_message_chunk";
        return match turn.idle() {
            Some(idle) => Outcome::broken("the user's message in the session", actual, turn.places([idle])),
            None => Outcome::NotExercised(case.why_not("the end of the turn")),
        };
    }
    let id = &turn.result["messageId"];
    if id.is_null() {
        // The older text has an empty result.
        return Outcome::doubtful("the messageId of the user's message", brief(turn.result), turn.places(told));
    }
    let same = told.iter().any(|message| message.update().is_some_and(|update| update["messageId"] == *id));
    Outcome::pass_if(same, || {
        let ids: Vec<String> = told.iter().filter_map(|m| Some(brief(&m.update()?["messageId"]))).collect();
        let actual = format!("{} in the session", ids.join(", "));
        Outcome::broken(format!("the messageId {id} of the answer"), actual, turn.places(told))
    })
}

fn it_runs_and_is_idle_again(case: &Case<'_>) -> Outcome {
    let turn = match Turn::of(case, "turn") {
        Ok(turn) => turn,
        Err(why) => return why,
    };
    match (turn.begun(), turn.idle()) {
        (Some(_), Some(_)) => Outcome::Pass,
        (None, Some(idle)) => Outcome::broken("running before idle", "idle only", turn.places([idle])),
        (begun, None) => {
            let missed = |what: &What| matches!(what, What::Missed { label, .. } if label == "turn");
            if !case.history().events.iter().any(|event| missed(&event.what)) {
                return Outcome::NotExercised(case.why_not("the end of the turn"));
            }
            let places = turn.places(begun);
            // A slow model may still be at work.
            match case.is_scripted() {
                true => Outcome::broken("idle when the work has ended", "it never came", places),
                false => Outcome::doubtful("idle when the work has ended", "it did not come in time", places),
            }
        }
    }
}

fn the_end_has_a_reason(case: &Case<'_>) -> Outcome {
    let turn = match Turn::of(case, "turn") {
        Ok(turn) => turn,
        Err(why) => return why,
    };
    let Some(idle) = turn.idle() else { return Outcome::NotExercised("the turn has no end".to_owned()) };
    let reason = idle.update().and_then(|update| update["stopReason"].as_str());
    Outcome::pass_if(reason.is_some(), || Outcome::broken("a stopReason", "none", turn.places([idle])))
}

//! Long turns: they are accepted long before they end, and can be stopped.

use serde_json::json;

use super::stage::{self, End, Turn};
use crate::core::check::Check;
use crate::core::history::{Case, Message};
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// A long turn that is stopped.
pub(super) const CANCEL: Scenario = Scenario {
    name: "v2-cancel",
    about: "prompts for a long text and stops it once it is under way",
    play: |probe| Box::pin(play(probe)),
    checks: &[
        Check::new("V2-05", the_prompt_is_answered_while_the_work_runs),
        Check::new("V2-10", the_stop_is_confirmed_by_idle),
        Check::new("V2-10/a", nothing_of_the_work_comes_after_idle),
    ],
};

/// Outputs after which a turn counts as under way: the first words may also be the last ones.
const UNDER_WAY: usize = 3;

async fn play(probe: &mut Probe) -> Result<(), Stop> {
    let session = stage::session(probe).await?;
    let id = probe.ask("turn", "session/prompt", prompt_of(&session, prompts::COUNT)).await?;
    let (mut end, mut outputs) = (End::default(), 0);
    let under_way = |message: &Message| {
        outputs += usize::from(stage::is_output(message));
        end.saw(message, &session, &id) || outputs == UNDER_WAY
    };
    let limit = probe.limits().turn;
    probe.until("under-way", limit, under_way).await?;
    probe.notify("cancel", "session/cancel", json!({ "sessionId": session })).await?;
    probe.until("turn", limit, |message| end.saw(message, &session, &id)).await?;
    probe.quiet("after").await
}

fn the_prompt_is_answered_while_the_work_runs(case: &Case<'_>) -> Outcome {
    let turn = match Turn::of(case, "turn") {
        Ok(turn) => turn,
        Err(why) => return why,
    };
    let Some(begun) = turn.begun() else { return Outcome::NotExercised("no work was told of".to_owned()) };
    let work = turn.updates.iter().filter(|message| stage::is_output(message));
    // Words that are there at once do not show what the answer waited for.
    let before = work.filter(|message| message.index < turn.answer.index).count();
    let end = turn.states().into_iter().find(|(state, message)| *state == "idle" && message.index > begun.index);
    match end {
        Some((_, idle)) if idle.index < turn.answer.index && before >= UNDER_WAY => Outcome::broken(
            "an answer when the prompt is accepted",
            "it came after the work had ended",
            turn.places([begun, idle]),
        ),
        Some((_, idle)) if idle.index < turn.answer.index => {
            Outcome::NotExercised("the work was over too soon to show anything".to_owned())
        }
        _ => Outcome::Pass,
    }
}

/// The stopped turn with the cancel and the idle that ends it, or why it shows nothing: the work may have ended before
/// the cancel was read (AMB-13).
fn stopped<'c>(case: &'c Case<'_>) -> Result<(Turn<'c>, &'c Message, &'c Message), Outcome> {
    let turn = Turn::of(case, "turn")?;
    let Some(cancel) = case.labelled("cancel") else { return Err(Outcome::NotExercised(case.why_not("cancel"))) };
    let Some(idle) = turn.idle() else { return Err(Outcome::NotExercised(case.why_not("the end of the turn"))) };
    let reason = idle.update().map(|update| &update["stopReason"]);
    let counted = case.said(turn.asked.index, idle.index);
    let far = counted.contains('1') && counted.contains('2') && !counted.contains("1000");
    let by_itself = reason.is_some_and(|reason| reason != "cancelled") && !far;
    if idle.index < cancel.index || by_itself {
        return Err(Outcome::NotExercised("the work had ended before it could be stopped".to_owned()));
    }
    Ok((turn, cancel, idle))
}

fn the_stop_is_confirmed_by_idle(case: &Case<'_>) -> Outcome {
    let (turn, cancel, idle) = match stopped(case) {
        Ok(stopped) => stopped,
        Err(why) => return why,
    };
    let reason = idle.update().map(|update| update["stopReason"].clone()).unwrap_or_default();
    Outcome::pass_if(reason == "cancelled", || {
        Outcome::broken("idle with stopReason cancelled", format!("stopReason {reason}"), turn.places([cancel, idle]))
    })
}

fn nothing_of_the_work_comes_after_idle(case: &Case<'_>) -> Outcome {
    let (turn, _, idle) = match stopped(case) {
        Ok(stopped) => stopped,
        Err(why) => return why,
    };
    if case.quiet("after").is_none() {
        return Outcome::NotExercised(case.why_not("after"));
    }
    // What runs in the background goes on.
    let background = idle.update().map(|update| update["background"].to_string()).unwrap_or_default();
    let goes_on = |message: &Message| {
        let id = message.update().map(|update| update["toolCallId"].to_string()).unwrap_or_default();
        id.starts_with('"') && background.contains(&id)
    };
    let late = |message: &&&Message| message.index > idle.index && stage::is_output(message) && !goes_on(message);
    match turn.updates.iter().find(late) {
        Some(late) => Outcome::broken("nothing of the work after idle", "an update", turn.places([idle, late])),
        None => Outcome::Pass,
    }
}

//! Sessions that are closed while something runs in them.

use std::time::Duration;

use serde_json::{Value, json};

use super::stage::{self, End, Turn};
use crate::core::check::{Check, call};
use crate::core::history::{Call, Case, Message};
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// Time in which a closed session's command would act once it is told to.
const WATCH: Duration = Duration::from_millis(1500);

/// Sessions that are closed during a turn, and while a command runs in the background.
pub(super) const CLOSE: Scenario = Scenario {
    name: "v2-close",
    about: "closes a session during a turn, and one in which a command runs in the background",
    play: |probe| Box::pin(play(probe)),
    checks: &[
        Check::new("V2-27", the_background_ends),
        Check::new("V2-27/a", the_turn_ends_before_the_answer),
        Check::new("V2-27/b", nothing_comes_after_the_answer),
    ],
};

async fn play(probe: &mut Probe) -> Result<(), Stop> {
    let session = stage::session(probe).await?;
    let id = probe.ask("turn", "session/prompt", prompt_of(&session, prompts::COUNT)).await?;
    let (mut end, mut outputs) = (End::default(), 0);
    let under_way = |message: &Message| {
        outputs += usize::from(stage::is_output(message));
        end.saw(message, &session, &id) || outputs == 3
    };
    probe.until("under-way", probe.limits().turn, under_way).await?;
    let _ = probe.call("close", "session/close", json!({ "sessionId": session })).await?;
    probe.quiet("after").await?;
    let session = probe.session("background/new").await?;
    stage::turn(probe, "background", &session, prompts::background::COMMAND).await?;
    let marker = probe.path(prompts::MARKER);
    let _ = probe.call("background/close", "session/close", json!({ "sessionId": session })).await?;
    probe.note("background/early", json!(marker.exists()));
    // A command that still runs sees it, however long the close has taken.
    std::fs::write(probe.path(prompts::background::GO), "")?;
    probe.watch("background/after", WATCH, |_| ()).await?;
    probe.note("background/marker", json!(marker.exists()));
    Ok(())
}

/// The turn that was closed with its session, and the call that closed it, or why it shows nothing.
fn closed<'c>(case: &'c Case<'_>) -> Result<(Turn<'c>, Call<'c>), Outcome> {
    let turn = Turn::of(case, "turn")?;
    let Some(call) = case.call("close") else { return Err(Outcome::NotExercised(case.why_not("close"))) };
    if call.result().is_none() {
        return Err(Outcome::NotExercised(format!("session/close got {}", call.said())));
    }
    if turn.idle().is_some() {
        return Err(Outcome::NotExercised("the work had ended before the session was closed".to_owned()));
    }
    Ok((turn, call))
}

fn the_turn_ends_before_the_answer(case: &Case<'_>) -> Outcome {
    let (turn, call) = match closed(case) {
        Ok(closed) => closed,
        Err(why) => return why,
    };
    let session = turn.asked.params().and_then(|params| params["sessionId"].as_str()).unwrap_or_default();
    let mut states = case.updates(session, call.request.index, call.until());
    let idle = states.find(|message| stage::state(message, session) == Some("idle"));
    let reason = idle.and_then(|message| message.update()).map(|update| update["stopReason"].clone());
    match (idle, reason) {
        (Some(_), Some(reason)) if reason == "cancelled" => Outcome::Pass,
        // It may have ended by itself just then (AMB-13).
        (Some(_), Some(reason)) if !far(case, &turn, &call) => {
            Outcome::NotExercised(format!("the work ended with {reason}, and nothing shows that it was counting"))
        }
        (Some(idle), reason) => {
            let actual = format!("stopReason {}", reason.unwrap_or_default());
            let places = turn.places([call.request, idle].into_iter().chain(call.answer));
            Outcome::broken("idle with stopReason cancelled", actual, places)
        }
        (None, _) => {
            let places = turn.places([call.request].into_iter().chain(call.answer));
            Outcome::broken("idle before session/close is answered", "none", places)
        }
    }
}

/// Returns whether the agent had begun to count and was far from the end.
fn far(case: &Case<'_>, turn: &Turn<'_>, call: &Call<'_>) -> bool {
    let counted = case.said(turn.asked.index, call.until());
    counted.contains('1') && counted.contains('2') && !counted.contains("1000")
}

fn nothing_comes_after_the_answer(case: &Case<'_>) -> Outcome {
    let (turn, call) = match closed(case) {
        Ok(closed) => closed,
        Err(why) => return why,
    };
    let (Some(answer), Some(end)) = (call.answer, case.quiet("after")) else {
        return Outcome::NotExercised(case.why_not("after"));
    };
    let session = turn.asked.params().and_then(|params| params["sessionId"].as_str()).unwrap_or_default();
    match case.updates(session, answer.index, end).next() {
        Some(late) => {
            Outcome::broken("nothing of the session after it is closed", "an update", turn.places([answer, late]))
        }
        None => Outcome::Pass,
    }
}

fn the_background_ends(case: &Case<'_>) -> Outcome {
    let turn = match Turn::of(case, "background") {
        Ok(turn) => turn,
        Err(why) => return why,
    };
    let call = call!(case, "background/close");
    if call.result().is_none() {
        return Outcome::NotExercised(format!("session/close got {}", call.said()));
    }
    let Some(idle) = turn.idle() else { return Outcome::NotExercised("the turn has no end".to_owned()) };
    let listed = idle.update().and_then(|update| update["background"].as_array()).is_some_and(|list| !list.is_empty());
    if !listed {
        return Outcome::NotExercised("the agent told of no background work".to_owned());
    }
    let note = |name: &str| case.note(&format!("background/{name}")).and_then(Value::as_bool);
    match (note("early"), note("marker")) {
        (Some(false), Some(false)) => Outcome::Pass,
        (Some(false), Some(true)) => {
            let places = turn.places([idle, call.request].into_iter().chain(call.answer));
            Outcome::broken("a command that ends with its session", "it went on: its file is there", places)
        }
        (Some(true), _) => Outcome::NotExercised("the command had ended before its session was closed".to_owned()),
        _ => Outcome::NotExercised(case.why_not("background/marker")),
    }
}

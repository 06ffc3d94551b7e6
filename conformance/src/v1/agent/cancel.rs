//! Stopping a turn.

use std::time::Duration;

use serde_json::{Value, json};

use crate::core::check::{Check, call, has_a_turn};
use crate::core::history::{Call, Case, Message};
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// Time after a stop in which an answer may have been on its way before.
const CROSSES: Duration = Duration::from_secs(2);

/// A turn that is stopped, and what comes after it.
pub(super) const CANCEL: Scenario = Scenario {
    name: "cancel",
    about: "stops a turn once it is under way, prompts again, and stops a session in which nothing runs",
    play: |probe| Box::pin(cancel(probe)),
    checks: &[
        Check::new("CANCEL-06", the_turn_ends_as_cancelled),
        Check::new("CANCEL-07", a_cancel_is_no_error),
        Check::new("CANCEL-08", nothing_of_the_turn_comes_after_its_end),
        Check::new("CANCEL-10", an_idle_cancel_does_not_leak),
        Check::new("CANCEL-12", the_session_stays_usable),
    ],
};

async fn cancel(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let session = probe.session("new").await?;
    let turn = probe.ask("turn", "session/prompt", prompt_of(&session, prompts::COUNT)).await?;
    let limit = probe.limits().turn;
    under_way(probe, "under-way", &turn).await?;
    probe.notify("cancel", "session/cancel", json!({ "sessionId": session })).await?;
    let _ = probe.answer("turn", &turn, limit).await?;
    probe.quiet("after-cancel").await?;
    let _ = probe.prompt("next", &session, prompts::REPLY).await?;
    probe.notify("idle-cancel", "session/cancel", json!({ "sessionId": session })).await?;
    probe.quiet("after-idle-cancel").await?;
    let _ = probe.prompt("after-idle", &session, prompts::REPLY).await?;
    Ok(())
}

/// Waits until a turn has said so much that it is more than a beginning, or has ended: the first words may also be the
/// last ones; more of them show that it counts.
pub(super) async fn under_way(probe: &mut Probe, label: &str, turn: &Value) -> Result<(), Stop> {
    let mut outputs = 0;
    let limit = probe.limits().turn;
    let enough = |message: &Message| {
        outputs += usize::from(is_output(message));
        outputs == 3 || (message.method().is_none() && message.id() == Some(turn))
    };
    probe.until(label, limit, enough).await.map(drop)
}

fn is_output(message: &Message) -> bool {
    matches!(
        message.update_kind(),
        Some("agent_message_chunk" | "agent_thought_chunk" | "tool_call" | "tool_call_update" | "plan")
    )
}

/// The stopped turn, or why it shows nothing.
fn stopped<'c>(case: &'c Case<'_>) -> Result<(Call<'c>, &'c Message), Outcome> {
    let Some(call) = case.call("turn") else { return Err(Outcome::NotExercised(case.why_not("turn"))) };
    let Some(cancel) = case.labelled("cancel") else { return Err(Outcome::NotExercised(case.why_not("cancel"))) };
    ran_at(case, &call, cancel)?;
    Ok((call, cancel))
}

/// That the counting turn was still running when `stop` could be read, or why nothing shows it: an end of its own that
/// crosses the stop looks like one that the stop should have made `cancelled` (AMB-13).
pub(super) fn ran_at(case: &Case<'_>, turn: &Call<'_>, stop: &Message) -> Result<(), Outcome> {
    let no = |why: &str| Err(Outcome::NotExercised(why.to_owned()));
    if turn.until() < stop.index {
        return no("the turn had ended before it could be stopped");
    }
    let (Some(result), Some(answer)) = (turn.result(), turn.answer) else { return Ok(()) };
    if result["stopReason"] == "cancelled" {
        return Ok(());
    }
    let before = said(case, turn.request.index, stop.index);
    if !(before.contains('1') && before.contains('2')) {
        return no("the turn ended by itself: nothing shows that it was counting");
    }
    // A model of ours counts to the end; another may give up at any number.
    let over = !case.is_scripted() || said(case, turn.request.index, answer.index).contains("1000");
    let soon = Duration::from_micros(answer.at.saturating_sub(stop.at)) < CROSSES;
    if over && soon { no("the turn may have ended by itself just when it was stopped") } else { Ok(()) }
}

/// Everything that was said between two places, by messages and by tool calls.
fn said(case: &Case<'_>, from: usize, until: usize) -> String {
    let within = case.received().filter(|message| message.index > from && message.index < until);
    within.filter_map(|message| message.update()?["content"]["text"].as_str()).collect()
}

fn the_turn_ends_as_cancelled(case: &Case<'_>) -> Outcome {
    let (call, cancel) = match stopped(case) {
        Ok(stopped) => stopped,
        Err(why) => return why,
    };
    if call.error().is_some() {
        return Outcome::NotExercised(format!("the turn ended with {}, which CANCEL-07 is about", call.said()));
    }
    let reason = call.result().map(|result| &result["stopReason"]);
    let places = [call.request.index, cancel.index].into_iter().chain(call.answer.map(|answer| answer.index)).collect();
    Outcome::pass_if(reason.is_some_and(|reason| reason == "cancelled"), || {
        Outcome::broken("a result with stopReason cancelled", call.said(), places)
    })
}

fn a_cancel_is_no_error(case: &Case<'_>) -> Outcome {
    let (call, cancel) = match stopped(case) {
        Ok(stopped) => stopped,
        Err(why) => return why,
    };
    let places = [call.request.index, cancel.index].into_iter().chain(call.answer.map(|answer| answer.index)).collect();
    match call.error() {
        Some(_) => Outcome::broken("a result", call.said(), places),
        None if call.answer.is_none() => Outcome::NotExercised(call.said()),
        None => Outcome::Pass,
    }
}

fn nothing_of_the_turn_comes_after_its_end(case: &Case<'_>) -> Outcome {
    let (call, _) = match stopped(case) {
        Ok(stopped) => stopped,
        Err(why) => return why,
    };
    let (Some(answer), Some(end)) = (call.answer, case.quiet("after-cancel")) else {
        return Outcome::NotExercised(case.why_not("after-cancel"));
    };
    match case.received().find(|m| m.index > answer.index && m.index < end && is_output(m)) {
        Some(late) => {
            Outcome::broken("nothing of the turn after its answer", "an update", vec![answer.index, late.index])
        }
        None => Outcome::Pass,
    }
}

fn an_idle_cancel_does_not_leak(case: &Case<'_>) -> Outcome {
    let call = call!(case, "after-idle");
    match call.result() {
        None => Outcome::NotExercised(format!("the turn ended with {}", call.said())),
        Some(result) => Outcome::pass_if(result["stopReason"] != "cancelled", || {
            Outcome::broken("a turn that runs", call.said(), call.places())
        }),
    }
}

fn the_session_stays_usable(case: &Case<'_>) -> Outcome {
    if let Err(why) = stopped(case) {
        return why;
    }
    let call = call!(case, "next");
    match has_a_turn(case, "next") {
        Outcome::Pass if call.result().is_some_and(|result| result["stopReason"] == "cancelled") => {
            Outcome::broken("a normal turn", call.said(), call.places())
        }
        outcome => outcome,
    }
}

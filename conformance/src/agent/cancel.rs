//! Stopping a turn.

use serde_json::json;

use crate::check::{Check, call};
use crate::history::{Call, Case, Message};
use crate::probe::{Probe, Stop, prompt_of};
use crate::scenario::Scenario;
use crate::verdict::Outcome;
use crate::words;

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
    let turn = probe.ask("turn", "session/prompt", prompt_of(&session, words::COUNT)).await?;
    let limit = probe.limits().turn;
    // The first words may also be the last ones; more of them show that it counts.
    let mut outputs = 0;
    let under_way = |message: &Message| {
        outputs += usize::from(is_output(message));
        outputs == 3 || message.id() == Some(&turn)
    };
    probe.until("under-way", limit, under_way).await?;
    probe.notify("cancel", "session/cancel", json!({ "sessionId": session })).await?;
    let _ = probe.answer("turn", &turn, limit).await?;
    probe.quiet("after-cancel").await?;
    let _ = probe.prompt("next", &session, words::REPLY).await?;
    probe.notify("idle-cancel", "session/cancel", json!({ "sessionId": session })).await?;
    probe.quiet("after-idle-cancel").await?;
    let _ = probe.prompt("after-idle", &session, words::REPLY).await?;
    Ok(())
}

fn is_output(message: &Message) -> bool {
    matches!(
        message.update_kind(),
        Some("agent_message_chunk" | "agent_thought_chunk" | "tool_call" | "tool_call_update" | "plan")
    )
}

/// The stopped turn, or why it shows nothing: it was over before the cancel could be read (AMB-13).
fn stopped<'c>(case: &'c Case<'_>) -> Result<(Call<'c>, &'c Message), Outcome> {
    let Some(call) = case.call("turn") else { return Err(Outcome::NotExercised(case.why_not("turn"))) };
    let Some(cancel) = case.labelled("cancel") else { return Err(Outcome::NotExercised(case.why_not("cancel"))) };
    if call.until() < cancel.index {
        return Err(Outcome::NotExercised("the turn had ended before it could be stopped".to_owned()));
    }
    let reason = call.result().map(|result| &result["stopReason"]);
    if reason.is_some_and(|reason| reason == "end_turn") && !counts(case, cancel) {
        return Err(Outcome::NotExercised("the turn ended by itself: nothing shows that it was counting".to_owned()));
    }
    Ok((call, cancel))
}

/// Whether the agent had begun to count when it was stopped, and was far from the end.
fn counts(case: &Case<'_>, cancel: &Message) -> bool {
    let text: String = case
        .received()
        .filter(|message| message.index < cancel.index)
        .filter_map(|message| message.update()?["content"]["text"].as_str())
        .collect();
    text.contains('1') && text.contains('2') && !text.contains("1000")
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
    let reason = call.result().map(|result| &result["stopReason"]);
    Outcome::pass_if(reason.is_none_or(|reason| reason != "cancelled"), || {
        Outcome::broken("a turn that runs", call.said(), call.places())
    })
}

fn the_session_stays_usable(case: &Case<'_>) -> Outcome {
    if let Err(why) = stopped(case) {
        return why;
    }
    let call = call!(case, "next");
    let reason = call.result().and_then(|result| result["stopReason"].as_str());
    Outcome::pass_if(reason.is_some_and(|reason| reason != "cancelled"), || {
        Outcome::broken("a normal turn", call.said(), call.places())
    })
}

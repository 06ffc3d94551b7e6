//! Requests and updates while a turn runs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::core::check::{Check, call};
use crate::core::history::{Body, Case, Message};
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// Time in which a stopped turn should end, for an agent that answers quickly.
const SOON: Duration = Duration::from_secs(5);
/// By one that does not, for which its machine may be the reason: as long as so many answers to `session/new` take.
const ANSWERS: u32 = 4;

/// Settings and stops in mid-turn.
pub(super) const MEANWHILE: Scenario = Scenario {
    name: "meanwhile",
    about: "changes mode and options in mid-turn, stops one of two turns, and takes a prompt back by its id",
    play: |probe| Box::pin(meanwhile(probe)),
    checks: &[
        Check::new("MODE-04", |case| settable(case, "mode")),
        Check::new("CONFIG-08", |case| settable(case, "option")),
        Check::new("CANCEL-05", a_stop_is_quick),
        Check::new("CANCEL-11", only_the_named_session_stops),
        Check::new("CANCEL-17", one_answer_comes),
    ],
};

async fn meanwhile(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let limit = probe.limits().turn;
    let (mut sessions, mut turns, mut state) = (Vec::new(), Vec::new(), Value::Null);
    for name in ["one", "two"] {
        let made = probe.call(&format!("{name}/new"), "session/new", probe.new_session()).await?;
        state = made.map_err(|error| Stop::Refused(format!("session/new was answered with {error}")))?;
        let session = state["sessionId"].as_str().unwrap_or_default().to_owned();
        let label = format!("{name}/turn");
        let turn = probe.ask(&label, "session/prompt", prompt_of(&session, prompts::COUNT)).await?;
        counting(probe, &format!("{name}/under-way"), &session, &turn).await?;
        sessions.push(session);
        turns.push(turn);
    }
    settings(probe, &sessions[1], &state).await?;
    probe.notify("one/cancel", "session/cancel", json!({ "sessionId": sessions[0] })).await?;
    let _ = probe.answer("one/turn", &turns[0], limit).await?;
    // The other goes on.
    if !probe.is_answered(&turns[1]) {
        let wanted = |message: &Message| speaks(message, &sessions[1]) || answers(message, &turns[1]);
        probe.until("two/goes-on", limit, wanted).await?;
    }
    if !probe.is_answered(&turns[1]) {
        probe.notify("two/cancel", "session/cancel", json!({ "sessionId": sessions[1] })).await?;
        let _ = probe.answer("two/turn", &turns[1], limit).await?;
    }
    let session = probe.session("three/new").await?;
    let turn = probe.ask("three/turn", "session/prompt", prompt_of(&session, prompts::COUNT)).await?;
    counting(probe, "three/under-way", &session, &turn).await?;
    probe.notify("three/take-back", "$/cancel_request", json!({ "requestId": turn })).await?;
    probe.quiet("three/take-back").await?;
    if !probe.is_answered(&turn) {
        probe.notify("three/cancel", "session/cancel", json!({ "sessionId": session })).await?;
        let _ = probe.answer("three/turn", &turn, limit).await?;
    }
    probe.quiet("three/after").await
}

fn answers(message: &Message, turn: &Value) -> bool {
    message.method().is_none() && message.id() == Some(turn)
}

fn speaks(message: &Message, session: &str) -> bool {
    message.update_kind() == Some("agent_message_chunk")
        && message.params().is_some_and(|params| params["sessionId"] == session)
}

/// Waits until a turn has said so much that it is more than a beginning.
async fn counting(probe: &mut Probe, label: &str, session: &str, turn: &Value) -> Result<(), Stop> {
    let mut chunks = 0;
    let limit = probe.limits().turn;
    let under_way = |message: &Message| {
        chunks += usize::from(speaks(message, session));
        chunks == 3 || answers(message, turn)
    };
    probe.until(label, limit, under_way).await.map(drop)
}

/// Another mode, and another value of the first select.
async fn settings(probe: &mut Probe, session: &str, state: &Value) -> Result<(), Stop> {
    let list = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    let modes = list(&state["modes"]["availableModes"]);
    if let Some(mode) = modes.iter().find(|mode| mode["id"] != state["modes"]["currentModeId"]) {
        let params = json!({ "sessionId": session, "modeId": mode["id"] });
        let _ = probe.call("mode", "session/set_mode", params).await?;
    }
    let options = list(&state["configOptions"]);
    let select = options.iter().filter(|option| option["type"] == "select");
    let other = select.filter_map(|option| {
        let values = list(&option["options"]);
        let value =
            values.iter().map(|entry| &entry["value"]).find(|v| v.is_string() && **v != option["currentValue"])?;
        Some((option["id"].clone(), value.clone()))
    });
    if let Some((option, value)) = other.into_iter().next() {
        let params = json!({ "sessionId": session, "configId": option, "value": value });
        let _ = probe.call("option", "session/set_config_option", params).await?;
    }
    Ok(())
}

/// Returns whether the turn of this label was still running at that place; it may have ended by itself.
fn runs_at(case: &Case<'_>, label: &str, place: usize) -> bool {
    case.call(label).is_some_and(|turn| turn.request.index < place && turn.until() > place)
}

fn settable(case: &Case<'_>, label: &str) -> Outcome {
    let Some(call) = case.call(label) else { return Outcome::NotExercised("there is no other to be set".to_owned()) };
    if !runs_at(case, "two/turn", call.until()) {
        return Outcome::NotExercised("the turn had ended".to_owned());
    }
    Outcome::pass_if(call.result().is_some(), || Outcome::broken("a result", call.said(), call.places()))
}

fn a_stop_is_quick(case: &Case<'_>) -> Outcome {
    let turn = call!(case, "one/turn");
    let Some(cancel) = case.labelled("one/cancel") else { return Outcome::NotExercised(case.why_not("one/cancel")) };
    if !runs_at(case, "one/turn", cancel.index) {
        return Outcome::NotExercised("the turn had ended".to_owned());
    }
    let made = case.call("one/new").and_then(|call| Some((call.request.at, call.answer?.at)));
    let pace = made.map(|(asked, answered)| Duration::from_micros(answered.saturating_sub(asked))).unwrap_or_default();
    let soon = SOON.max(pace * ANSWERS);
    let took = turn.answer.map(|answer| Duration::from_micros(answer.at.saturating_sub(cancel.at)));
    let places = [cancel.index].into_iter().chain(turn.answer.map(|answer| answer.index)).collect();
    Outcome::pass_if(took.is_some_and(|took| took < soon), || {
        let actual = took.map_or_else(|| "no answer".to_owned(), |took| format!("after {:.1} s", took.as_secs_f64()));
        Outcome::broken(format!("the end of the turn within {:.1} s", soon.as_secs_f64()), actual, places)
    })
}

fn only_the_named_session_stops(case: &Case<'_>) -> Outcome {
    let two = call!(case, "two/turn");
    let Some(cancel) = case.labelled("one/cancel") else { return Outcome::NotExercised(case.why_not("one/cancel")) };
    if !runs_at(case, "one/turn", cancel.index) || !runs_at(case, "two/turn", cancel.index) || two.answer.is_none() {
        return Outcome::NotExercised("a turn had ended before, or did not end".to_owned());
    }
    let stopped = two.result().is_some_and(|result| result["stopReason"] == "cancelled");
    Outcome::pass_if(!stopped || case.labelled("two/cancel").is_some(), || {
        let places = vec![cancel.index, two.until()];
        Outcome::broken("a turn that goes on in the other session", two.said(), places)
    })
}

/// One answer comes, whether the agent acts on the notification or not, and an error says what it is.
fn one_answer_comes(case: &Case<'_>) -> Outcome {
    let turn = call!(case, "three/turn");
    let Some(note) = case.labelled("three/take-back") else {
        return Outcome::NotExercised(case.why_not("three/take-back"));
    };
    if turn.until() < note.index || case.quiet("three/after").is_none() {
        return Outcome::NotExercised("the turn had ended, or the agent was gone".to_owned());
    }
    let of_it =
        |message: &&Message| matches!(&message.body, Body::Response { id, .. } if Some(id) == turn.request.id());
    let came: Vec<usize> = case.received().filter(of_it).map(|message| message.index).collect();
    if came.len() != 1 {
        let places = std::iter::once(turn.request.index).chain(came.iter().copied()).collect();
        return Outcome::broken("one answer", format!("{} answers", came.len()), places);
    }
    let stopped = case.labelled("three/cancel").is_some();
    Outcome::pass_if(turn.error().is_none() || stopped || turn.code() == Some(-32800), || {
        Outcome::broken("a result, or an error with code -32800", turn.said(), turn.places())
    })
}

//! Cancels, and the death of the agent.

use serde_json::json;

use super::seen;
use crate::core::check::{Check, all, call};
use crate::core::history::{Case, Message, What};
use crate::core::probe::{Permit, Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts::far;

/// Cancels in both directions.
pub(super) const STOPS: Scenario = Scenario {
    name: "bridge-stops",
    about: "cancels a turn, takes a prompt back, and has a permission request taken back",
    play: |probe| Box::pin(stops(probe)),
    checks: &[Check::new("BRIDGE-06", |case| {
        all([cancelled(case, "cancelled"), cancelled(case, "taken-back"), the_question_is_withdrawn(case)])
    })],
};

/// The agent ends in a turn.
pub(super) const DEATH: Scenario = Scenario {
    name: "bridge-death",
    about: "has the agent end in the middle of a turn",
    play: |probe| Box::pin(death(probe)),
    checks: &[Check::new("BRIDGE-09", the_turn_ends_with_the_agent)],
};

async fn stops(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let session = probe.session("session").await?;
    for label in ["cancelled", "taken-back"] {
        let id = probe.ask(label, "session/prompt", prompt_of(&session, far::WAIT)).await?;
        let waits = |message: &Message| message.update_kind() == Some("agent_message_chunk");
        probe.until("a turn that waits", probe.limits().turn, waits).await?;
        if label == "taken-back" {
            probe.notify("cancel-request", "$/cancel_request", json!({ "requestId": id })).await?;
        } else {
            probe.notify("cancel", "session/cancel", json!({ "sessionId": session })).await?;
        }
        if probe.answer(label, &id, probe.limits().step).await.is_err() {
            // The check tells; the agent is to be idle for what comes next.
            probe.notify("stop", "session/cancel", json!({ "sessionId": session })).await?;
            let _ = probe.answer(label, &id, probe.limits().step).await?;
        }
    }
    probe.manners.permit = Permit::Hold;
    let id = probe.ask("withdrawn", "session/prompt", prompt_of(&session, far::WITHDRAW)).await?;
    let asks = |message: &Message| message.requests("session/request_permission");
    let asked = probe.until("the permission request", probe.limits().turn, asks).await?;
    let withdrawn = |message: &Message| message.method() == Some("$/cancel_request");
    let came = probe.until("$/cancel_request", probe.limits().step, withdrawn).await;
    let asked = asked.id().cloned().unwrap_or_default();
    probe.reply(&asked, Ok(json!({ "outcome": { "outcome": "cancelled" } }))).await?;
    came?;
    let _ = probe.answer("withdrawn", &id, probe.limits().turn).await?;
    Ok(())
}

/// The turn ended by the first thing that was to end it.
fn cancelled(case: &Case<'_>, label: &str) -> Outcome {
    let call = call!(case, label);
    let helped = case.labelled("stop").map_or(usize::MAX, |stop| stop.index);
    let by = if label == "cancelled" { "session/cancel" } else { "$/cancel_request" };
    let cancelled =
        call.result().is_some_and(|result| result["stopReason"] == "cancelled") || call.code() == Some(-32800);
    Outcome::pass_if(cancelled && (call.until() < helped || call.request.index > helped), || {
        let actual = if call.until() > helped { "it went on".to_owned() } else { call.said() };
        Outcome::broken(format!("a turn that {by} ends as cancelled"), actual, call.places())
    })
}

fn the_question_is_withdrawn(case: &Case<'_>) -> Outcome {
    let prompt = call!(case, "withdrawn");
    let asked = case.asked("session/request_permission");
    let Some(asked) = asked.iter().find(|call| call.request.index > prompt.request.index) else {
        return Outcome::NotExercised("the agent asked for no permission".to_owned());
    };
    let taken = case
        .received()
        .find(|message| message.index > asked.request.index && message.method() == Some("$/cancel_request"));
    let Some(taken) = taken else {
        return Outcome::broken("$/cancel_request for the permission request", "none", asked.places());
    };
    let named = taken.params().map(|params| params["requestId"].clone()).unwrap_or_default();
    let id = asked.request.id().cloned().unwrap_or_default();
    Outcome::pass_if(named == id, || {
        let places = vec![asked.request.index, taken.index];
        Outcome::broken(format!("$/cancel_request with the requestId {id}"), named.to_string(), places)
    })
}

async fn death(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let session = probe.session("session").await?;
    let _ = probe.prompt("who", &session, far::ECHO).await?;
    let id = probe.ask("die", "session/prompt", prompt_of(&session, far::DIE)).await?;
    let ended = probe.answer("die", &id, probe.limits().step).await;
    if probe.is_program() {
        let _ = probe.close_input(probe.limits().grace).await;
    }
    ended.map(drop)
}

fn the_turn_ends_with_the_agent(case: &Case<'_>) -> Outcome {
    if let Err(outcome) = seen::told(case, "who") {
        return outcome;
    }
    let call = call!(case, "die");
    match (call.error(), call.result()) {
        (Some(_), _) => Outcome::Pass,
        (_, Some(result)) if result["stopReason"] == "end_turn" => {
            Outcome::broken("an error", "a turn that ended well", call.places())
        }
        (_, Some(_)) => Outcome::doubtful("an error", call.said(), call.places()),
        _ => {
            let closed = case.history().events.iter().position(|event| matches!(event.what, What::OutputClosed));
            let asked = case.history().events.iter().position(|event| matches!(event.what, What::InputClosed));
            // A connection that ends takes its requests with it.
            match closed.filter(|closed| *closed > call.request.index && asked.is_none_or(|asked| *closed < asked)) {
                Some(_) => Outcome::Info("it closed the connection instead of answering what was asked".to_owned()),
                None => Outcome::broken("an error, soon", "nothing", call.places()),
            }
        }
    }
}

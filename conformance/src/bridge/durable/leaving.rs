//! Clients that leave, and prompts that are sent again.

use serde_json::{Value, json};

use super::super::seen;
use super::view::{self, OURS, TURN_ENDED};
use crate::core::check::{Check, call};
use crate::core::history::Case;
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts::{self, far};

/// The only client leaves.
pub(super) const LEAVING: Scenario = Scenario {
    name: "durable-leaving",
    about: "leaves in the middle of a turn and comes back",
    play: |probe| Box::pin(leaving(probe)),
    checks: &[Check::new("P4", the_turn_went_on)],
};

/// The same prompt twice.
pub(super) const KEYS: Scenario = Scenario {
    name: "durable-keys",
    about: "sends a prompt again with the same key, on another connection",
    play: |probe| Box::pin(keys(probe)),
    checks: &[Check::new("P6", it_ran_once)],
};

async fn leaving(probe: &mut Probe) -> Result<(), Stop> {
    let mut first = probe.another();
    let left = leave(&mut first).await;
    probe.absorb(first).await;
    let session = left?;
    // Whoever stops turns with their client has the time to do so.
    probe.pause(probe.limits().quiet).await;
    probe.begin().await?;
    view::resume(probe, "resume", &session, None).await?;
    probe.notify("cancel", "session/cancel", json!({ "sessionId": session })).await?;
    view::until(probe, TURN_ENDED, probe.limits().step).await.map(drop)
}

async fn leave(probe: &mut Probe) -> Result<String, Stop> {
    probe.begin().await?;
    let session = probe.session("session").await?;
    let _ = probe.ask("prompt", "session/prompt", prompt_of(&session, far::WAIT)).await?;
    view::until_said(probe, "waiting").await?;
    Ok(session)
}

fn the_turn_went_on(case: &Case<'_>) -> Outcome {
    let Some(cancel) = case.labelled("cancel") else { return Outcome::NotExercised(case.why_not("cancel")) };
    let prompt = call!(case, "prompt");
    let waiting = seen::updates(case, &prompt).into_iter().find(|m| seen::text(m) == Some("waiting"));
    let turn = waiting.map(|message| view::ours(message)["turn"].clone()).unwrap_or_default();
    let ended = view::told(case, cancel.on, TURN_ENDED);
    let ended = ended.iter().find(|m| m.params().is_some_and(|p| p["turn"] == turn && p["outcome"] == "cancelled"));
    Outcome::pass_if(ended.is_some_and(|ended| ended.index > cancel.index), || {
        let expected = format!("the turn {turn} to run until it is cancelled by the client that came back");
        Outcome::broken(expected, "it did not end then", vec![prompt.request.index, cancel.index])
    })
}

const MARKER: &str = "conformance-once";

async fn keys(probe: &mut Probe) -> Result<(), Stop> {
    let mut first = probe.another();
    let sent = send(&mut first).await;
    probe.absorb(first).await;
    let session = sent?;
    probe.begin().await?;
    view::resume(probe, "resume", &session, None).await?;
    let id = probe.ask("again", "session/prompt", keyed(&session)).await?;
    let _ = probe.answer("again", &id, probe.limits().turn).await?;
    let _ = probe.prompt("echo", &session, far::ECHO).await?;
    Ok(())
}

async fn send(probe: &mut Probe) -> Result<String, Stop> {
    probe.begin().await?;
    let session = probe.session("session").await?;
    let id = probe.ask("once", "session/prompt", keyed(&session)).await?;
    let _ = probe.answer("once", &id, probe.limits().turn).await?;
    Ok(session)
}

fn keyed(session: &str) -> Value {
    let mut params = prompt_of(session, &format!("{} {MARKER}", prompts::REPLY));
    params["_meta"] = json!({ OURS: { "key": "conformance-key" } });
    params
}

fn it_ran_once(case: &Case<'_>) -> Outcome {
    let (once, again) = (call!(case, "once"), call!(case, "again"));
    let places = || once.places().into_iter().chain(again.places()).collect();
    let turn = |call: &crate::core::history::Call<'_>| call.answer.map(|answer| view::ours(answer)["turn"].clone());
    if turn(&once) != turn(&again) || turn(&once).is_none_or(|turn| turn.is_null()) {
        return Outcome::broken("the answer of the same turn", again.said(), places());
    }
    let told = match seen::told(case, "echo") {
        Ok(told) => told,
        Err(outcome) => return outcome,
    };
    let got = told["got"].as_array().map(Vec::as_slice).unwrap_or_default();
    let times = got.iter().filter(|message| message["params"]["prompt"].to_string().contains(MARKER)).count();
    Outcome::pass_if(times == 1, || Outcome::broken("one prompt at the agent", format!("{times}"), places()))
}

//! Ids of requests in both directions.

use serde_json::{Value, json};

use super::seen;
use crate::core::check::{Check, all, call};
use crate::core::history::{Body, Case, Message};
use crate::core::probe::{Permit, Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts::{self, far};

/// Ids that are alike or large.
pub(super) const IDS: Scenario = Scenario {
    name: "bridge-ids",
    about: "asks under ids of several types, under two that look alike, and under one that the agent uses as well",
    play: |probe| Box::pin(ids(probe)),
    checks: &[
        Check::new("BRIDGE-02", answers_come_back_under_their_ids),
        Check::new("BRIDGE-02/a", answers_reach_the_agent_under_its_ids),
    ],
};

async fn ids(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let limit = probe.limits().step;
    for (label, id) in
        [("id/0", json!(0)), ("id/large", json!((1_u64 << 53) - 1)), ("id/string", json!("conformance-a"))]
    {
        probe.ask_as(label, id, "session/new", probe.new_session()).await?;
        let any_answer = |message: &Message| message.id().is_some() && message.method().is_none();
        probe.until(label, limit, any_answer).await?;
    }
    probe.ask_as("id/number", json!(77), "session/new", probe.new_session()).await?;
    probe.ask_as("id/digits", json!("77"), "session/new", probe.new_session()).await?;
    // What does not come is for the check to tell.
    let _ = probe.answers("the answers to 77 and \"77\"", vec![json!(77), json!("77")], limit).await;
    let session = probe.session("session").await?;
    probe.manners.permit = Permit::Hold;
    let prompt = probe.ask("prompt", "session/prompt", prompt_of(&session, prompts::TOUCH)).await?;
    let asks = |message: &Message| message.requests("session/request_permission");
    let asked = probe.until("the permission request", probe.limits().turn, asks).await?;
    let id = asked.id().cloned().unwrap_or_default();
    probe.ask_as("id/same", id.clone(), "session/new", probe.new_session()).await?;
    let _ = probe.answer("id/same", &id, limit).await;
    probe.reply(&id, Ok(json!({ "outcome": { "outcome": "selected", "optionId": "yes" } }))).await?;
    let _ = probe.answer("prompt", &prompt, probe.limits().turn).await?;
    probe.manners.permit = Permit::Allow;
    let _ = probe.prompt("alike", &session, far::ASK_ALIKE).await?;
    Ok(())
}

fn answers_come_back_under_their_ids(case: &Case<'_>) -> Outcome {
    let labels = ["id/0", "id/large", "id/string", "id/number", "id/digits", "id/same"];
    let each = labels.into_iter().map(|label| {
        let call = call!(case, label);
        let asked = call.request.id().map(Value::to_string).unwrap_or_default();
        let made = call.result().is_some_and(|result| result["sessionId"].is_string());
        Outcome::pass_if(made, || {
            let stray =
                case.received().find(|m| m.index > call.request.index && matches!(m.body, Body::Response { .. }));
            let places = call.places().into_iter().chain(stray.map(|message| message.index)).collect();
            Outcome::broken(format!("the answer to session/new under the id {asked}"), call.said(), places)
        })
    });
    all(each.chain([the_agent_got_its_answer(case)]))
}

/// The permission was given by the client: the tool ran.
fn the_agent_got_its_answer(case: &Case<'_>) -> Outcome {
    let prompt = call!(case, "prompt");
    let ran = case.received().any(|message| {
        message.index > prompt.request.index
            && message.update().is_some_and(|u| u["toolCallId"].is_string() && u["status"] == "completed")
    });
    Outcome::pass_if(ran, || {
        Outcome::broken("the answer to the permission request at the agent", "the tool did not run", prompt.places())
    })
}

/// Each of two requests of the agent under ids that look alike was answered with its own option.
fn answers_reach_the_agent_under_its_ids(case: &Case<'_>) -> Outcome {
    let prompt = call!(case, "alike");
    let got = match seen::told(case, "alike") {
        Ok(got) => got,
        Err(why) => return why,
    };
    Outcome::pass_if(got == json!(["number", "text"]), || {
        let (number, text) = (far::ALIKE, far::ALIKE.to_string());
        let expected = format!("the option \"number\" under the agent's id {number}, and \"text\" under {text:?}");
        Outcome::broken(expected, format!("{} and {}", got[0], got[1]), prompt.places())
    })
}

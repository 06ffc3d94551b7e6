//! Permission requests that outlive their client.

use serde_json::{Value, json};

use super::view::{self, TURN_ENDED};
use crate::core::check::{Check, all, call};
use crate::core::history::{Case, Message};
use crate::core::probe::{Permit, Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// One who leaves, and two of whom one answers.
pub(super) const PERMISSION: Scenario = Scenario {
    name: "durable-permission",
    about: "leaves while a permission is asked for and answers it later, then has one of two clients answer",
    play: |probe| Box::pin(permission(probe)),
    checks: &[Check::new("P8", |case| all([it_waits(case), one_answer_counts(case)]))],
};

async fn permission(probe: &mut Probe) -> Result<(), Stop> {
    let mut first = probe.another();
    let left = leave(&mut first).await;
    probe.absorb(first).await;
    let session = left?;
    probe.begin().await?;
    probe.manners.permit = Permit::Hold;
    view::resume(probe, "resume", &session, None).await?;
    let asked = asked(probe).await?;
    probe.reply(&asked, chosen("yes")).await?;
    view::until(probe, TURN_ENDED, probe.limits().turn).await?;
    probe.note("ran/1", json!(probe.path(prompts::MARKER).exists()));
    // Nobody else needs it any more; a file that cannot be removed shows as one that was made.
    let _ = std::fs::remove_file(probe.path(prompts::MARKER));
    let mut other = probe.another();
    let played = both(probe, &mut other, &session).await;
    probe.absorb(other).await;
    probe.note("ran/2", json!(probe.path(prompts::MARKER).exists()));
    played
}

async fn leave(probe: &mut Probe) -> Result<String, Stop> {
    probe.begin().await?;
    probe.manners.permit = Permit::Hold;
    let session = probe.session("session").await?;
    let _ = probe.ask("prompt", "session/prompt", prompt_of(&session, prompts::TOUCH)).await?;
    asked(probe).await?;
    Ok(session)
}

async fn both(probe: &mut Probe, other: &mut Probe, session: &str) -> Result<(), Stop> {
    other.manners.permit = Permit::Hold;
    other.begin().await?;
    view::resume(other, "beside", session, None).await?;
    let id = probe.ask("both", "session/prompt", prompt_of(session, prompts::TOUCH)).await?;
    let (_, theirs) = (asked(probe).await?, asked(other).await?);
    other.reply(&theirs, chosen("yes")).await?;
    let _ = probe.answer("both", &id, probe.limits().turn).await?;
    Ok(())
}

async fn asked(probe: &mut Probe) -> Result<Value, Stop> {
    let limit = probe.limits().step;
    let asks = |message: &Message| message.requests("session/request_permission");
    let asked = probe.until("the permission request", limit, asks).await?;
    Ok(asked.id().cloned().unwrap_or_default())
}

fn chosen(option: &str) -> Result<Value, Value> {
    Ok(json!({ "outcome": { "outcome": "selected", "optionId": option } }))
}

fn it_waits(case: &Case<'_>) -> Outcome {
    let resumed = call!(case, "resume");
    match case.note("ran/1") {
        Some(ran) => Outcome::pass_if(ran == true, || {
            Outcome::broken("the tool to run once the client that came back allows it", "it did not", resumed.places())
        }),
        None => {
            let actual = case.why_not("the answer");
            Outcome::broken("the permission request to the client that came back", actual, resumed.places())
        }
    }
}

fn one_answer_counts(case: &Case<'_>) -> Outcome {
    let both = call!(case, "both");
    let on = both.request.on;
    let asked = case.asked("session/request_permission");
    let Some(mine) = asked.iter().find(|call| call.request.on == on && call.request.index > both.request.index) else {
        return Outcome::broken("the permission request to both clients", case.why_not("both"), both.places());
    };
    let id = mine.request.id().cloned().unwrap_or_default();
    let taken = view::told(case, on, "$/cancel_request");
    if !taken.iter().any(|m| m.params().is_some_and(|params| params["requestId"] == id)) {
        return Outcome::broken("$/cancel_request to the client that did not answer", "none", mine.places());
    }
    Outcome::pass_if(case.note("ran/2").is_some_and(|ran| ran == true), || {
        Outcome::broken("the tool to run, as the other client allowed", "it did not", both.places())
    })
}

//! Child sessions: what an agent shows of its subagents.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::core::check::{Check, call, needs};
use crate::core::history::{Body, Case, Message};
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts::children;
use crate::v1::invariants::children::announced;

/// Turns that delegate, with a client that takes child sessions and one that does not.
pub(super) const CHILDREN: Scenario = Scenario {
    name: "children",
    about: "has the agent delegate, cancels a child, loads the session in a new process, and delegates for a client \
            without child sessions",
    play: |probe| Box::pin(play(probe)),
    checks: &[
        Check::new("SUB-06", a_cancelled_child_stops),
        Check::new("SUB-07", the_parents_turn_goes_on),
        Check::new("SUB-08", a_load_announces_them_again),
    ],
};

async fn play(probe: &mut Probe) -> Result<(), Stop> {
    probe.capabilities = json!({ "subagents": {} });
    let agent = probe.begin().await?;
    let session = probe.session("new").await?;
    let id = probe.ask("delegate", "session/prompt", prompt_of(&session, children::DELEGATE)).await?;
    let mut shows = false;
    let ended = |message: &Message| {
        shows |= message.announced_child().is_some();
        answers(message, &id)
    };
    probe.until("delegate", probe.limits().turn, ended).await?;
    if shows {
        cancel_a_child(probe, &session).await?;
        if agent["agentCapabilities"]["loadSession"] == true {
            probe.begin().await?;
            let params = json!({ "sessionId": session, "cwd": probe.directory(), "mcpServers": [] });
            let _ = probe.call("load", "session/load", params).await?;
            probe.quiet("load").await?;
        }
    }
    probe.capabilities = json!({});
    probe.begin().await?;
    let session = probe.session("without/new").await?;
    let _ = probe.prompt("without/delegate", &session, children::DELEGATE).await?;
    Ok(())
}

fn answers(message: &Message, id: &Value) -> bool {
    matches!(&message.body, Body::Response { id: found, .. } if found == id)
}

/// Has a child count, and cancels it when it is at work, if it can be. What it does not end by is ended by its parent.
pub(crate) async fn cancel_a_child(probe: &mut Probe, session: &str) -> Result<(), Stop> {
    let turn = probe.limits().turn;
    let id = probe.ask("count", "session/prompt", prompt_of(session, children::DELEGATE_COUNT)).await?;
    let mut counting: Option<String> = None;
    let at_work = |message: &Message| {
        if let Some(found) = message.announced_child().filter(|_| can_be_cancelled(message)) {
            counting = Some(found.to_owned());
        }
        let own = counting.as_ref().is_some_and(|child| is_output_of(message, child));
        own || answers(message, &id)
    };
    probe.until("a child at work", turn, at_work).await?;
    let Some(child_id) = counting.filter(|_| !probe.is_answered(&id)) else {
        return probe.answer("count", &id, turn).await.map(drop);
    };
    probe.notify("child/cancel", "session/cancel", json!({ "sessionId": child_id })).await?;
    let stopped = |message: &Message| is_idle(message, &child_id) || answers(message, &id);
    match probe.until("the child's end", probe.limits().step, stopped).await {
        Ok(_) | Err(Stop::Late(_)) => {}
        Err(stop) => return Err(stop),
    }
    if probe.answer("count", &id, probe.limits().step).await.is_err() {
        // The check tells; the agent is to be idle for what comes next.
        probe.notify("parent/cancel", "session/cancel", json!({ "sessionId": session })).await?;
        let _ = probe.answer("count", &id, turn).await?;
    }
    Ok(())
}

fn can_be_cancelled(message: &Message) -> bool {
    message.update().is_some_and(|update| update["capabilities"]["cancel"].is_object())
}

fn is_output_of(message: &Message, child: &str) -> bool {
    let own = message.params().is_some_and(|params| params["sessionId"] == child);
    own && matches!(message.update_kind(), Some("agent_message_chunk" | "agent_thought_chunk" | "tool_call"))
}

fn is_idle(message: &Message, of: &str) -> bool {
    message.announced_child() == Some(of) && message.update().is_some_and(|update| update["state"]["state"] == "idle")
}

/// The cancel of a child, and the child, or why there was none.
fn cancelled<'c>(case: &'c Case<'_>) -> Result<(&'c Message, &'c str), Outcome> {
    let Some(cancel) = case.labelled("child/cancel") else {
        return Err(Outcome::NotExercised("no child that can be cancelled was at work".to_owned()));
    };
    let named = cancel.params().and_then(|params| params["sessionId"].as_str());
    Ok((cancel, named.unwrap_or_default()))
}

pub(crate) fn a_cancelled_child_stops(case: &Case<'_>) -> Outcome {
    let (cancel, child_id) = match cancelled(case) {
        Ok(found) => found,
        Err(why) => return why,
    };
    let helped = case.labelled("parent/cancel").map_or(usize::MAX, |cancel| cancel.index);
    let later = |message: &&Message| message.index > cancel.index && message.index < helped;
    let Some(idle) = case.received().filter(later).find(|message| is_idle(message, child_id)) else {
        return Outcome::broken(format!("{child_id:?} idle soon"), "it went on", vec![cancel.index]);
    };
    let reason = idle.update().map(|update| update["state"]["stopReason"].clone()).unwrap_or_default();
    Outcome::pass_if(reason == "cancelled", || {
        let places = vec![cancel.index, idle.index];
        Outcome::doubtful("idle with the stopReason cancelled", reason.to_string(), places)
    })
}

fn the_parents_turn_goes_on(case: &Case<'_>) -> Outcome {
    if let Err(why) = cancelled(case) {
        return why;
    }
    let turn = call!(case, "count");
    if case.labelled("parent/cancel").is_some() {
        return Outcome::NotExercised("the turn went on until it was cancelled itself".to_owned());
    }
    Outcome::pass_if(turn.result().is_none_or(|result| result["stopReason"] != "cancelled"), || {
        Outcome::broken("a turn that goes on without its child", turn.said(), turn.places())
    })
}

fn a_load_announces_them_again(case: &Case<'_>) -> Outcome {
    needs!(case, "loadSession");
    let load = call!(case, "load");
    if load.result().is_none() {
        return Outcome::NotExercised(format!("the load was answered with {}", load.said()));
    }
    let all = announced(case);
    let before: BTreeSet<&str> =
        all.iter().filter(|(_, first)| first.on < load.request.on).map(|(child, _)| *child).collect();
    let replayed = |child: &str| all.iter().any(|(known, first)| *known == child && first.on == load.request.on);
    match before.iter().find(|child| !replayed(child)) {
        Some(missing) => Outcome::broken(
            "an announcement of each child of the conversation",
            format!("none of {missing:?}"),
            load.places(),
        ),
        None => Outcome::Pass,
    }
}

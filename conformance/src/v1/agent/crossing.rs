//! Answers that cross: equal ids in both directions, another order, codes and `_meta` that nobody knows.

use serde_json::{Value, json};

use crate::core::check::{Check, all, call, has_a_turn, succeeds};
use crate::core::history::Case;
use crate::core::probe::{Permit, Probe, Stop, prompt_of, rich_meta};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// Requests of both sides at the same time.
pub(super) const CROSSING: Scenario = Scenario {
    name: "crossing",
    about: "answers the agent's questions in another order, under an id of our own, with unknown codes and rich _meta",
    play: |probe| Box::pin(crossing(probe)),
    checks: &[
        Check::new("RPC-07", ids_of_both_sides_are_apart),
        Check::new("RPC-08", answers_are_matched_by_id),
        Check::new("ERR-02", an_unknown_code_is_a_failure),
        Check::new("EXT-02", rich_meta_changes_nothing),
    ],
};

async fn crossing(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let limit = probe.limits().turn;
    probe.manners.permit = Permit::Hold;
    // One request waits on each side, both under the same id.
    let session = probe.session("same/new").await?;
    let turn = json!("conformance-turn");
    probe.ask_as("same/turn", turn.clone(), "session/prompt", prompt_of(&session, prompts::TOUCH)).await?;
    if let Some(id) = asked(probe, "same/asked", &turn).await? {
        probe.ask_as("same/ours", id.clone(), "session/new", probe.new_session()).await?;
        probe.reply(&id, Ok(rejected())).await?;
        let _ = probe.answer("same/turn", &turn, limit).await?;
        if !probe.is_answered(&id) {
            let _ = probe.answer("same/ours", &id, probe.limits().session()).await?;
        }
    }
    // Two of the agent's wait, and the later one is answered first.
    let mut waiting = Vec::new();
    for name in ["first", "second"] {
        let directory = probe.path(name);
        std::fs::create_dir_all(&directory)?;
        let params = json!({ "cwd": directory, "mcpServers": [] });
        let made = probe.call(&format!("{name}/new"), "session/new", params).await?;
        let session = made.map(|made| made["sessionId"].as_str().unwrap_or_default().to_owned()).unwrap_or_default();
        let label = format!("{name}/turn");
        let turn = probe.ask(&label, "session/prompt", prompt_of(&session, prompts::TOUCH)).await?;
        let request = asked(probe, &format!("{name}/asked"), &turn).await?;
        waiting.push((name, turn, request));
    }
    for (name, turn, request) in waiting.iter().rev() {
        let Some(id) = request else { continue };
        probe.reply(id, Ok(if *name == "second" { allowed(probe, id) } else { rejected() })).await?;
        // One that took the other's answer does not end.
        let _ = probe.answer(&format!("{name}/turn"), turn, limit).await;
    }
    let [first, second] = ["first", "second"].map(|name| probe.path(name).join(prompts::MARKER).exists());
    probe.note("ran", json!({ "first": first, "second": second }));
    // A code that nobody knows.
    probe.manners.permit = Permit::Strange;
    let session = probe.session("strange/new").await?;
    let _ = probe.prompt("strange/turn", &session, prompts::TOUCH).await?;
    probe.note("strange/marker", json!(probe.path(prompts::MARKER).exists()));
    let _ = probe.prompt("strange/next", &session, prompts::REPLY).await?;
    rich(probe).await
}

/// A session in which everything has `_meta`.
async fn rich(probe: &mut Probe) -> Result<(), Stop> {
    probe.open().await?;
    (probe.manners.permit, probe.manners.meta) = (Permit::Allow, true);
    let with = |mut params: Value| {
        params["_meta"] = rich_meta();
        params
    };
    let mut hello = with(probe.introduction());
    hello["clientCapabilities"]["_meta"] = rich_meta();
    hello["clientInfo"]["_meta"] = rich_meta();
    let _ = probe.call("meta/initialize", "initialize", hello).await?;
    let made = probe.call("meta/new", "session/new", with(probe.new_session())).await?;
    let Some(session) = made.ok().and_then(|made| made["sessionId"].as_str().map(str::to_owned)) else { return Ok(()) };
    for (label, text) in [("meta/reply", prompts::REPLY), ("meta/touch", prompts::TOUCH)] {
        let mut params = with(prompt_of(&session, text));
        params["prompt"][0]["_meta"] = rich_meta();
        let id = probe.ask(label, "session/prompt", params).await?;
        let _ = probe.answer(label, &id, probe.limits().turn).await?;
    }
    Ok(())
}

/// The id of the agent's permission request; `None` if the turn ended without.
async fn asked(probe: &mut Probe, label: &str, turn: &Value) -> Result<Option<Value>, Stop> {
    let wanted = |message: &crate::core::history::Message| {
        message.requests("session/request_permission") || (message.method().is_none() && message.id() == Some(turn))
    };
    let message = probe.until(label, probe.limits().turn, wanted).await?;
    Ok(message.requests("session/request_permission").then(|| message.id().cloned().unwrap_or_default()))
}

fn rejected() -> Value {
    json!({ "outcome": { "outcome": "cancelled" } })
}

/// Allows what was asked under this id.
fn allowed(probe: &Probe, id: &Value) -> Value {
    let case = probe.asked_under(id);
    let options = case.as_ref().and_then(|params| params["options"].as_array()).map(Vec::as_slice).unwrap_or_default();
    let option = ["allow_once", "allow_always"].iter().find_map(|kind| options.iter().find(|o| o["kind"] == *kind));
    let id = option.map(|option| option["optionId"].clone()).unwrap_or_default();
    json!({ "outcome": { "outcome": "selected", "optionId": id } })
}

fn ids_of_both_sides_are_apart(case: &Case<'_>) -> Outcome {
    let ours = call!(case, "same/ours");
    let turn = call!(case, "same/turn");
    let made = ours.result().is_some_and(|result| result["sessionId"].is_string());
    if turn.answer.is_none() {
        return Outcome::broken("an answer to the prompt", "none", turn.places());
    }
    Outcome::pass_if(made, || Outcome::broken("a new session", ours.said(), ours.places()))
}

fn answers_are_matched_by_id(case: &Case<'_>) -> Outcome {
    let (first, second) = (call!(case, "first/turn"), call!(case, "second/turn"));
    let Some(ran) = case.note("ran") else { return Outcome::NotExercised(case.why_not("ran")) };
    if case.asked("session/request_permission").len() < 3 {
        return Outcome::NotExercised("the agent did not ask in both sessions".to_owned());
    }
    let places = first.places().into_iter().chain(second.places()).collect();
    if first.answer.is_none() || second.answer.is_none() {
        return Outcome::broken("answers to both prompts", "not both", places);
    }
    Outcome::pass_if(ran["first"] == false && ran["second"] == true, || {
        Outcome::broken("only the tool that was allowed runs, the second", ran.to_string(), places)
    })
}

fn an_unknown_code_is_a_failure(case: &Case<'_>) -> Outcome {
    let turn = call!(case, "strange/turn");
    let within = |call: &crate::core::history::Call<'_>| {
        call.request.index > turn.request.index && call.request.index < turn.until()
    };
    if !case.asked("session/request_permission").iter().any(within) {
        return Outcome::NotExercised("the agent asked for nothing".to_owned());
    }
    if turn.answer.is_none() {
        return Outcome::broken("an answer to the prompt", "none", turn.places());
    }
    match (case.note("strange/marker") == Some(&Value::Bool(true)), case.is_scripted()) {
        (true, true) => Outcome::broken("a failure, and no tool that ran", "it ran: its file is there", turn.places()),
        (true, false) => Outcome::NotExercised("the model may have gone another way".to_owned()),
        (false, _) => has_a_turn(case, "strange/next"),
    }
}

fn rich_meta_changes_nothing(case: &Case<'_>) -> Outcome {
    // Without `_meta` a turn ended well before.
    let plain = call!(case, "same/turn");
    if plain.result().is_none() {
        return Outcome::NotExercised(format!("a turn without came to {}", plain.said()));
    }
    let made = ["meta/initialize", "meta/new"].map(|label| succeeds(case, label));
    all(made.into_iter().chain(["meta/reply", "meta/touch"].map(|label| has_a_turn(case, label))))
}

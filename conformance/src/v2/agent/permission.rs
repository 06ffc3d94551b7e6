//! Tools that ask before they run.

use serde_json::{Value, json};

use super::stage::{self, End, Turn};
use crate::core::check::Check;
use crate::core::history::{Case, Message};
use crate::core::probe::{Permit, Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// Tools that ask first.
pub(super) const PERMISSION: Scenario = Scenario {
    name: "v2-permission",
    about: "lets the agent ask for a tool, and answers with what is no approval, then with one",
    play: |probe| Box::pin(play(probe)),
    checks: &[
        Check::new("V2-09", it_says_that_it_waits_and_goes_on),
        Check::new("V2-16/a", |case| did_not_run(case, "outcome")),
        Check::new("V2-16/b", |case| did_not_run(case, "option")),
        Check::new("V2-16/c", |case| did_not_run(case, "cancelled")),
    ],
};

async fn play(probe: &mut Probe) -> Result<(), Stop> {
    stage::begin(probe).await?;
    for (name, outcome) in [
        ("outcome", Some(json!({ "outcome": "_conformance_outcome" }))),
        ("option", Some(json!({ "outcome": "selected", "optionId": "conformance-no-such-option" }))),
        ("cancelled", Some(json!({ "outcome": "cancelled" }))),
        ("allow", None),
    ] {
        // A session each: what is allowed or refused for a whole session must not decide the next.
        let session = probe.session(&format!("{name}/new")).await?;
        touch(probe, name, &session, outcome).await?;
        let marker = probe.path(prompts::MARKER);
        probe.note(&format!("{name}/marker"), json!(marker.exists()));
        // What is not there need not be removed.
        let _ = std::fs::remove_file(marker);
    }
    Ok(())
}

/// A turn whose first question gets this outcome a while later, or is allowed.
async fn touch(probe: &mut Probe, name: &str, session: &str, outcome: Option<Value>) -> Result<(), Stop> {
    let limit = probe.limits().turn;
    probe.manners.permit = Permit::Hold;
    let id = probe.ask(name, "session/prompt", prompt_of(session, prompts::TOUCH)).await?;
    let mut end = End::default();
    let (mut over, mut waits) = (false, false);
    let asked = |message: &Message| {
        over = end.saw(message, session, &id);
        waits |= says_that_it_waits(message, session);
        over || message.requests("session/request_permission")
    };
    let request = probe.until(&format!("{name}/asked"), limit, asked).await?;
    if over {
        return Ok(());
    }
    // What else it asks.
    probe.manners.permit = if outcome.is_some() { Permit::Reject } else { Permit::Allow };
    let allowed_to_go_on = outcome.is_none();
    let allowed = request.params().and_then(allowing);
    let outcome = outcome.or(allowed).unwrap_or_else(|| json!({ "outcome": "cancelled" }));
    // It may say that it waits before or after it asks. Whether it does is asked of the turn that goes on.
    let window = if allowed_to_go_on { probe.limits().step } else { probe.limits().quiet };
    let said = |message: &Message| {
        over |= end.saw(message, session, &id);
        over || says_that_it_waits(message, session)
    };
    if !waits {
        probe.look_for(window, said).await?;
    }
    probe.reply(request.id().unwrap_or(&Value::Null), Ok(json!({ "outcome": outcome }))).await?;
    match over {
        true => Ok(()),
        false => probe.until(name, limit, |message| end.saw(message, session, &id)).await.map(drop),
    }
}

fn says_that_it_waits(message: &Message, session: &str) -> bool {
    stage::state(message, session) == Some("requires_action")
}

/// The outcome that allows what is asked for.
fn allowing(params: &Value) -> Option<Value> {
    let options = params["options"].as_array()?;
    let of = |kind: &str| options.iter().find(|option| option["kind"] == kind);
    let option = of("allow_once").or_else(|| of("allow_always"))?;
    Some(json!({ "outcome": "selected", "optionId": option["optionId"] }))
}

/// The turn, its first question and our answer to that, or why there is none.
fn asked<'c>(case: &'c Case<'_>, name: &str) -> Result<(Turn<'c>, &'c Message, Option<&'c Message>), Outcome> {
    let turn = Turn::of(case, name)?;
    let session = turn.asked.params().map(|params| params["sessionId"].clone()).unwrap_or_default();
    let own = |message: &&Message| message.params().is_some_and(|params| params["sessionId"] == session);
    let request = case.received().filter(|m| m.requests("session/request_permission")).find(own);
    let Some(request) = request else {
        return Err(Outcome::NotExercised("the agent did not ask before it ran the tool, or ran none".to_owned()));
    };
    Ok((turn, request, case.call_of(request).and_then(|call| call.answer)))
}

fn did_not_run(case: &Case<'_>, name: &str) -> Outcome {
    let (turn, request, answer) = match asked(case, name) {
        Ok(asked) => asked,
        Err(why) => return why,
    };
    match case.note(&format!("{name}/marker")).and_then(Value::as_bool) {
        None => Outcome::NotExercised(case.why_not(&format!("{name}/marker"))),
        Some(false) => Outcome::Pass,
        Some(true) => {
            let places = turn.places([request].into_iter().chain(answer));
            Outcome::broken("a tool that did not run", "it ran: its file is there", places)
        }
    }
}

/// The agent says that it waits and goes on. Other work may go on meanwhile, so that only a recommendation is at stake.
fn it_says_that_it_waits_and_goes_on(case: &Case<'_>) -> Outcome {
    let (turn, request, answer) = match asked(case, "allow") {
        Ok(asked) => asked,
        Err(why) => return why,
    };
    let Some(answer) = answer else { return Outcome::NotExercised("the question was not answered".to_owned()) };
    if case.note("allow/marker") != Some(&Value::Bool(true)) {
        return Outcome::NotExercised("the tool did not run".to_owned());
    }
    let states = turn.states();
    let waits = states.iter().find(|(state, message)| *state == "requires_action" && message.index < answer.index);
    let Some((_, waits)) = waits else {
        return Outcome::doubtful(
            "requires_action while it waits for an answer",
            "none",
            turn.places([request, answer]),
        );
    };
    let next = states.iter().find(|(state, message)| message.index > answer.index && *state != "requires_action");
    Outcome::pass_if(next.is_some_and(|(state, _)| *state == "running"), || {
        let actual = next.map_or("no state", |(state, _)| *state);
        let places = turn.places([request, *waits, answer].into_iter().chain(next.map(|(_, message)| *message)));
        Outcome::broken("running when it goes on", actual, places)
    })
}

//! Requests that an agent has to refuse, and the codes.

use serde_json::json;

use super::stage;
use crate::core::check::{Check, call};
use crate::core::history::Case;
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// A session that nobody made.
const NOBODYS: &str = "conformance-no-such-session";

/// Requests that cannot be meant.
pub(super) const REFUSALS: Scenario = Scenario {
    name: "v2-refusals",
    about: "asks for a method, a session and a way to log in that do not exist, and for a session before initialize",
    play: |probe| Box::pin(play(probe)),
    checks: &[
        Check::new("V2-03", ways_to_log_in_come_with_their_method),
        Check::new("V2-24", |case| refused_with(case, "method", -32601)),
        Check::new("V2-24/a", an_unknown_session_is_named),
        Check::new("V2-24/b", |case| refused_with(case, "early", -32600)),
    ],
};

async fn play(probe: &mut Probe) -> Result<(), Stop> {
    let result = stage::begin(probe).await?;
    let _ = probe.call("method", "session/nonesuch", json!({})).await?;
    let _ = probe.call("session", "session/prompt", prompt_of(NOBODYS, prompts::REPLY)).await?;
    // Nobody may log in where there is no way to.
    if result["authMethods"].as_array().is_some_and(|methods| !methods.is_empty()) {
        let _ = probe.call("login", "auth/login", json!({ "methodId": "conformance-no-such-method" })).await?;
    }
    probe.open().await?;
    let _ = probe.call("early", "session/new", probe.new_session()).await?;
    Ok(())
}

/// In version 2 the codes are duties.
pub(super) fn refused_with(case: &Case<'_>, label: &str, code: i64) -> Outcome {
    let call = call!(case, label);
    if call.answer.is_none() {
        return Outcome::NotExercised(case.why_not(label));
    }
    Outcome::pass_if(call.code() == Some(code), || {
        Outcome::broken(format!("an error with code {code}"), call.said(), call.places())
    })
}

fn an_unknown_session_is_named(case: &Case<'_>) -> Outcome {
    let call = call!(case, "session");
    refused_with(case, "session", -32002).and(match call.error() {
        Some(error) if error["data"]["sessionId"] != NOBODYS => {
            Outcome::broken("data.sessionId, the session that was named", call.said(), call.places())
        }
        _ => Outcome::Pass,
    })
}

/// Ways to log in come with their method. A test does not try whether one is logged in or out by them.
fn ways_to_log_in_come_with_their_method(case: &Case<'_>) -> Outcome {
    let initialize = call!(case, "initialize");
    let methods = initialize.result().map(|result| &result["authMethods"]).and_then(|methods| methods.as_array());
    if methods.is_none_or(Vec::is_empty) {
        return Outcome::NotApplicable("the agent lists no authentication method".to_owned());
    }
    let call = call!(case, "login");
    Outcome::pass_if(call.code() != Some(-32601), || {
        Outcome::broken("auth/login, as there are methods to log in with", call.said(), call.places())
    })
}

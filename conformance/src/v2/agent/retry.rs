//! Prompts that are sent again.

use serde_json::{Value, json};

use super::refusals::refused_with;
use super::stage;
use crate::core::check::{Check, all, call};
use crate::core::history::Case;
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// The most characters that a key may have.
const LONGEST: usize = 255;

/// A prompt that is sent twice with one key, and prompts with keys that cannot be.
pub(super) const RETRY: Scenario = Scenario {
    name: "v2-retry",
    about: "sends a prompt twice with one idempotency key, and prompts with keys that are too short and too long",
    play: |probe| Box::pin(play(probe)),
    checks: &[
        Check::new("V2-28", a_retry_is_the_same_message),
        Check::new("V2-29", |case| match keyed(case) {
            Ok(()) => all(["bad/empty", "bad/long"].map(|label| refused_with(case, label, -32602))),
            Err(why) => why,
        }),
    ],
};

async fn play(probe: &mut Probe) -> Result<(), Stop> {
    let session = stage::session(probe).await?;
    let prompt = |key: &str| {
        let mut params = prompt_of(&session, prompts::REPLY);
        params["idempotencyKey"] = json!(key);
        params
    };
    let id = probe.ask("first", "session/prompt", prompt("conformance-key")).await?;
    stage::ended(probe, "first", &session, &id).await?;
    let _ = probe.call("again", "session/prompt", prompt("conformance-key")).await?;
    probe.quiet("again/after").await?;
    let _ = probe.call("bad/empty", "session/prompt", prompt("")).await?;
    let _ = probe.call("bad/long", "session/prompt", prompt(&"k".repeat(LONGEST + 1))).await?;
    Ok(())
}

fn message_id<'c>(case: &'c Case<'_>, label: &str) -> Result<&'c Value, Outcome> {
    let Some(call) = case.call(label) else { return Err(Outcome::NotExercised(case.why_not(label))) };
    match call.result() {
        Some(result) => Ok(&result["messageId"]),
        None => Err(Outcome::broken("the messageId of the message", call.said(), call.places())),
    }
}

/// Whether the agent answers prompts as it does where there are keys: the older text has an empty result.
fn keyed(case: &Case<'_>) -> Result<(), Outcome> {
    match message_id(case, "first") {
        Ok(id) if id.is_string() => Ok(()),
        Ok(_) => Err(Outcome::NotExercised("the result of a prompt has no messageId, as in an older text".to_owned())),
        Err(_) => Err(Outcome::NotExercised("no prompt with a key was taken".to_owned())),
    }
}

fn a_retry_is_the_same_message(case: &Case<'_>) -> Outcome {
    if let Err(why) = keyed(case) {
        return why;
    }
    let (first, again) = (call!(case, "first"), call!(case, "again"));
    let ids = message_id(case, "first").and_then(|first| Ok((first, message_id(case, "again")?)));
    let (original, repeated) = match ids {
        Ok(ids) => ids,
        Err(outcome) => return outcome,
    };
    let places = || first.places().into_iter().chain(again.places()).collect();
    if original != repeated {
        return Outcome::broken(format!("the messageId {original} again"), repeated.to_string(), places());
    }
    let end = case.quiet("again/after").unwrap_or(usize::MAX);
    let session = again.request.params().and_then(|params| params["sessionId"].as_str()).unwrap_or_default();
    let mut later = case.updates(session, again.request.index, end);
    match later.find(|message| message.update_kind().is_some_and(|kind| kind.starts_with("user_message"))) {
        Some(message) => {
            let places = vec![again.request.index, message.index];
            Outcome::broken("no message more", message.update_kind().unwrap_or_default(), places)
        }
        None => Outcome::Pass,
    }
}

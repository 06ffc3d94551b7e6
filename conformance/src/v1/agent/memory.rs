//! Memory: what the model is told of earlier turns.

use crate::core::check::{Check, call};
use crate::core::history::Case;
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// The user's first message.
const MARK: &str = "conformance-mark-2718";
/// The user's message in the prompt that is refused.
const REFUSED: &str = "conformance-mark-3141";

/// Turns that build on each other.
pub(super) const MEMORY: Scenario = Scenario {
    name: "memory",
    about: "asks what was said before, after a turn that ended well and after one that was refused",
    play: |probe| Box::pin(memory(probe)),
    checks: &[Check::new("PROMPT-15", earlier_turns_are_known), Check::new("PROMPT-17", refused_turns_are_not)],
};

async fn memory(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let session = probe.session("new").await?;
    let _ = probe.prompt("first", &session, &format!("{} {MARK}", prompts::REPLY)).await?;
    let _ = probe.prompt("recall", &session, prompts::RECALL).await?;
    let other = probe.session("refused/new").await?;
    let _ = probe.prompt("refused/first", &other, &format!("{} {MARK}", prompts::REPLY)).await?;
    let _ = probe.prompt("refused", &other, &format!("{} {REFUSED}", prompts::REFUSE)).await?;
    let _ = probe.prompt("refused/recall", &other, prompts::RECALL).await?;
    Ok(())
}

/// The words of a turn that ended well, or why there are none.
fn words_of(case: &Case<'_>, label: &str) -> Result<String, Outcome> {
    let Some(call) = case.call(label) else { return Err(Outcome::NotExercised(case.why_not(label))) };
    if call.result().is_none() {
        return Err(Outcome::NotExercised(format!("the turn came to {}", call.said())));
    }
    Ok(case.said(call.request.index, call.until()))
}

fn earlier_turns_are_known(case: &Case<'_>) -> Outcome {
    let call = call!(case, "recall");
    match words_of(case, "recall") {
        Err(why) => why,
        Ok(said) if said.contains(MARK) => Outcome::Pass,
        Ok(_) if !case.is_scripted() => Outcome::NotExercised("the model did not repeat what was said".to_owned()),
        Ok(said) => {
            Outcome::broken(format!("the text {MARK}, which the model repeats"), format!("{said:?}"), call.places())
        }
    }
}

/// That the refused prompt is gone shows only where the one before it is repeated.
fn refused_turns_are_not(case: &Case<'_>) -> Outcome {
    let refused = call!(case, "refused");
    if refused.result().is_none_or(|result| result["stopReason"] != "refusal") {
        return Outcome::NotExercised(format!("the turn came to {} and to no refusal", refused.said()));
    }
    let call = call!(case, "refused/recall");
    match words_of(case, "refused/recall") {
        Err(why) => why,
        Ok(said) if said.contains(REFUSED) => {
            let places = refused.places().into_iter().chain(call.places()).collect();
            Outcome::broken("nothing of the refused prompt", format!("{said:?}"), places)
        }
        Ok(said) if said.contains(MARK) => Outcome::Pass,
        Ok(_) => Outcome::NotExercised("the model did not repeat what was said".to_owned()),
    }
}

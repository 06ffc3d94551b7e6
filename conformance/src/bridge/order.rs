//! Order, size, and a client that does not read.

use std::time::Duration;

use super::seen;
use crate::core::check::{Check, all, call};
use crate::core::history::Case;
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts::{self, far};

/// Many updates.
pub(super) const ORDER: Scenario = Scenario {
    name: "bridge-order",
    about: "has a thousand numbered updates sent at once",
    play: |probe| Box::pin(order(probe)),
    checks: &[Check::new("BRIDGE-04", order_is_kept)],
};

/// Large messages, and many while the client does not read.
pub(super) const SIZES: Scenario = Scenario {
    name: "bridge-sizes",
    about: "sends and is sent a mebibyte, and reads late",
    play: |probe| Box::pin(sizes(probe)),
    checks: &[Check::new("BRIDGE-11", |case| {
        all([large_to_client(case), large_to_agent(case), nothing_is_lost(case)])
    })],
};

/// Pause in which the client does not read: long enough for every buffer on the way to fill.
const PAUSE: Duration = Duration::from_millis(500);

async fn order(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let session = probe.session("session").await?;
    let _ = probe.prompt("numbers", &session, far::NUMBERS).await?;
    probe.quiet("after").await
}

fn order_is_kept(case: &Case<'_>) -> Outcome {
    let call = call!(case, "numbers");
    let session = seen::session(&call);
    if call.result().is_none() {
        return Outcome::broken("the end of the turn", call.said(), call.places());
    }
    let late = case.updates(&session, call.until(), usize::MAX).find(|message| seen::text(message).is_some());
    if let Some(late) = late {
        let places = vec![call.until(), late.index];
        return Outcome::broken("all updates before the answer to the prompt", "one behind it", places);
    }
    let mut wanted = 1;
    // Adjacent chunks may come joined.
    for message in seen::updates(case, &call) {
        for number in seen::text(message).unwrap_or_default().lines() {
            if number.parse() != Ok(wanted) {
                return Outcome::broken(format!("the number {wanted}"), number, vec![message.index]);
            }
            wanted += 1;
        }
    }
    Outcome::pass_if(wanted == far::COUNT + 1, || {
        Outcome::broken(format!("{} numbers", far::COUNT), format!("{}", wanted - 1), call.places())
    })
}

async fn sizes(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await?;
    let session = probe.session("session").await?;
    let _ = probe.prompt("large/client", &session, far::LARGE).await?;
    let _ = probe.prompt("large/agent", &session, &large_prompt()).await?;
    let id = probe.ask("flood", "session/prompt", prompt_of(&session, far::FLOOD)).await?;
    probe.pause(PAUSE).await;
    let _ = probe.answer("flood", &id, probe.limits().turn).await?;
    Ok(())
}

/// The mock agent says it again.
fn large_prompt() -> String {
    format!("{} {}", prompts::REPLY, far::large())
}

fn large_to_client(case: &Case<'_>) -> Outcome {
    let call = call!(case, "large/client");
    whole(&seen::said(case, &call), &far::large(), "the chunk of the agent", &call.places())
}

fn large_to_agent(case: &Case<'_>) -> Outcome {
    let call = call!(case, "large/agent");
    let said = seen::said(case, &call);
    whole(said.strip_prefix("OK: ").unwrap_or(&said), &large_prompt(), "the prompt, said again", &call.places())
}

fn whole(came: &str, sent: &str, what: &str, places: &[usize]) -> Outcome {
    Outcome::pass_if(came == sent, || {
        let actual = format!("{} bytes{}", came.len(), if came.len() == sent.len() { ", others" } else { "" });
        Outcome::broken(format!("{what}, of {} bytes", sent.len()), actual, places.to_vec())
    })
}

fn nothing_is_lost(case: &Case<'_>) -> Outcome {
    let call = call!(case, "flood");
    let sent: String = (1..=far::PIECES).map(far::piece).collect();
    whole(&seen::said(case, &call), &sent, "all that was said while the client did not read", &call.places())
}

//! A client whose user interrupts it in mid-turn.

use serde_json::{Value, json};

use super::stage::{begin, lives_on, ping, update};
use crate::core::check::Check;
use crate::core::history::{Case, Message};
use crate::core::probe::{Host, Probe, SESSION, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts::INTERRUPTED;

/// An interrupt while a permission waits.
pub(super) const INTERRUPT: Scenario = Scenario {
    name: "client-interrupt",
    about: "asks for permission and interrupts the client (SIGINT), which many clients take for a cancel",
    play: |probe| Box::pin(interrupt(probe)),
    checks: &[
        Check::new("CANCEL-04", pending_permissions_are_cancelled),
        Check::new("CANCEL-09", updates_are_taken_after_a_cancel),
    ],
};

async fn interrupt(probe: &mut Probe) -> Result<(), Stop> {
    let turn = begin(probe, "turn", Host::default()).await?;
    // One that does not wait for the end of its turn has nothing to cancel.
    probe.quiet("patience").await?;
    ping(probe, "control").await?;
    for tool in ["one", "two"] {
        let call =
            json!({ "sessionUpdate": "tool_call", "toolCallId": tool, "title": INTERRUPTED, "status": "pending" });
        update(probe, &format!("tool/{tool}"), call).await?;
        let option = json!({ "optionId": format!("{tool}-yes"), "name": "Yes", "kind": "allow_once" });
        let params = json!({
            "sessionId": SESSION, "toolCall": { "toolCallId": tool, "title": INTERRUPTED }, "options": [option],
        });
        probe.ask(&format!("ask/{tool}"), "session/request_permission", params).await?;
    }
    ping(probe, "asked").await?;
    probe.quiet("asked").await?;
    let interrupted = probe.interrupt();
    probe.note("interrupted", json!(interrupted));
    if !interrupted {
        return Ok(());
    }
    let cancels = |message: &Message| message.method() == Some("session/cancel");
    // One that takes it for the end goes now, and need not be waited for.
    if !probe.look_for(probe.limits().step, cancels).await.unwrap_or(false) {
        return Ok(());
    }
    probe.quiet("cancelled").await?;
    let ended = json!({ "sessionUpdate": "tool_call_update", "toolCallId": "one", "status": "failed" });
    update(probe, "late", ended).await?;
    ping(probe, "after").await?;
    turn.end(probe, "turn", Ok(json!({ "stopReason": "cancelled" }))).await
}

/// The client's cancel, or why there is none.
fn cancel<'c>(case: &'c Case<'_>) -> Result<&'c Message, Outcome> {
    if case.note("interrupted") == Some(&Value::Bool(false)) {
        return Err(Outcome::NotExercised("the client is no process that can be interrupted".to_owned()));
    }
    let cancel = case.received().find(|message| message.method() == Some("session/cancel"));
    cancel.ok_or_else(|| match case.note("interrupted") {
        Some(_) => Outcome::NotExercised("an interrupted client did not cancel its turn".to_owned()),
        None => Outcome::NotExercised(case.why_not("interrupted")),
    })
}

/// Requests not answered before the cancel are answered with `cancelled`.
fn pending_permissions_are_cancelled(case: &Case<'_>) -> Outcome {
    let cancel = match cancel(case) {
        Ok(cancel) => cancel,
        Err(why) => return why,
    };
    let mut seen = false;
    for call in case.calls("ask/") {
        // One that was answered before had no need to be, and one at the same moment crosses the cancel.
        if call.until() < cancel.index {
            continue;
        }
        if call.answer.is_none() && case.call("after").is_none_or(|ping| ping.answer.is_none()) {
            return Outcome::NotExercised("the client went away instead of answering".to_owned());
        }
        seen = true;
        let outcome = call.result().map(|result| &result["outcome"]["outcome"]);
        if outcome.is_none_or(|outcome| outcome != "cancelled") {
            let places = [call.places(), vec![cancel.index]].concat();
            return Outcome::broken("the outcome cancelled", call.said(), places);
        }
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised("no permission was pending at the cancel".to_owned()) }
}

fn updates_are_taken_after_a_cancel(case: &Case<'_>) -> Outcome {
    match cancel(case) {
        Ok(_) => lives_on(case, "late", "after"),
        Err(why) => why,
    }
}

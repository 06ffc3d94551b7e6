//! Child sessions, and the other updates that only a client with a capability gets.

use serde_json::{Value, json};

use super::stage::{answers, begin, has, lives_on, offers, ping, update};
use crate::core::check::{Check, call};
use crate::core::history::Case;
use crate::core::probe::{Host, Probe, SESSION, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

/// The child that is shown.
const CHILD: &str = "conformance-child";

/// Everything that a client has to offer to take first.
pub(super) const CHILDREN: Scenario = Scenario {
    name: "client-children",
    about: "shows a child session, plans with ids, cursors and suggestions, each to a client that takes them",
    play: |probe| Box::pin(children(probe)),
    checks: &[
        Check::new("SUB-09", |case| takes(case, &["subagents"], "child/", "after/child")),
        Check::new("SUB-11", the_childs_request_is_answered),
        Check::new("PLAN-10", |case| takes(case, &["plan"], "plan/", "after/plan")),
        Check::new("CURSOR-04", |case| takes(case, &["session", "cursors"], "cursor/", "after/cursor")),
        Check::new("SUGGEST-04", |case| {
            takes(case, &["session", "promptSuggestions"], "suggestions/", "after/suggestions")
        }),
    ],
};

async fn children(probe: &mut Probe) -> Result<(), Stop> {
    let turn = begin(probe, "turn", Host::default()).await?;
    ping(probe, "control").await?;
    if has(probe, &["plan"]) {
        let entries = json!([{ "content": "Look", "priority": "high", "status": "pending" }]);
        let items = json!({ "type": "items", "planId": "conformance-plan", "entries": entries });
        let markdown = json!({ "type": "markdown", "planId": "conformance-plan", "content": "# Look\n" });
        for (label, plan) in [("plan/items", items), ("plan/markdown", markdown)] {
            update(probe, label, json!({ "sessionUpdate": "plan_update", "plan": plan })).await?;
        }
        for (label, id) in [("plan/removed", "conformance-plan"), ("plan/last", "conformance-no-such-plan")] {
            update(probe, label, json!({ "sessionUpdate": "plan_removed", "planId": id })).await?;
        }
        ping(probe, "after/plan").await?;
    }
    if has(probe, &["session", "cursors"]) {
        let anchor = json!({ "type": "agent_message", "messageId": "conformance-message", "position": "after" });
        let cursor =
            |id: &str, anchor: Value| json!({ "sessionUpdate": "cursor_update", "cursorId": id, "anchor": anchor });
        update(probe, "cursor/known", cursor("conformance-1", anchor)).await?;
        update(probe, "cursor/last", cursor("conformance-2", json!({ "type": "_conformance", "deep": [1] }))).await?;
        ping(probe, "after/cursor").await?;
    }
    if has(probe, &["session", "promptSuggestions"]) {
        let suggested = json!([{ "prompt": [{ "type": "text", "text": "Add tests." }] }]);
        for (label, suggestions) in [("suggestions/some", suggested), ("suggestions/last", json!([]))] {
            let sent = json!({ "sessionUpdate": "prompt_suggestions_update", "suggestions": suggestions });
            update(probe, label, sent).await?;
        }
        ping(probe, "after/suggestions").await?;
    }
    if has(probe, &["subagents"]) {
        child(probe).await?;
    }
    turn.done(probe).await
}

/// Announces a child that permits nothing, and lets it work.
async fn child(probe: &mut Probe) -> Result<(), Stop> {
    let announced = json!({ "sessionUpdate": "subagent_update", "sessionId": CHILD, "title": "Helper",
        "cwd": probe.directory(), "state": { "state": "running" } });
    update(probe, "child/announced", announced).await?;
    let text = |text: &str| json!({ "type": "text", "text": text });
    let reference = json!([{ "type": "session", "sessionId": CHILD }]);
    let call =
        json!({ "sessionUpdate": "tool_call", "toolCallId": "delegate", "title": "Delegate", "content": reference });
    update(probe, "child/call", call).await?;
    for (label, sent) in [
        (
            "child/told",
            json!({ "sessionUpdate": "session_message", "messageId": "conformance-order",
            "senderSessionId": SESSION, "recipientSessionId": CHILD, "content": [text("Look.")] }),
        ),
        (
            "child/chunk",
            json!({ "sessionUpdate": "session_message_chunk", "messageId": "conformance-order",
            "content": text(" And leap.") }),
        ),
        ("child/says", json!({ "sessionUpdate": "agent_message_chunk", "content": text("I do.") })),
        ("child/calls", json!({ "sessionUpdate": "tool_call", "toolCallId": "leap", "title": "Leap" })),
    ] {
        probe.notify(label, "session/update", json!({ "sessionId": CHILD, "update": sent })).await?;
    }
    let options = json!([
        { "optionId": "yes", "name": "Yes", "kind": "allow_once" },
        { "optionId": "no", "name": "No", "kind": "reject_once" },
    ]);
    let asks = json!({ "sessionId": CHILD, "toolCall": { "toolCallId": "leap" }, "options": options });
    let id = probe.ask("child/permission", "session/request_permission", asks).await?;
    match answers(probe, "child/permission", &[id]).await {
        Ok(()) | Err(Stop::Late(_)) => {}
        Err(stop) => return Err(stop),
    }
    let idle = json!({ "sessionUpdate": "subagent_update", "sessionId": CHILD, "state": { "state": "idle", "stopReason": "end_turn" } });
    update(probe, "child/last", idle).await?;
    ping(probe, "after/child").await
}

/// A client that offers to take this goes on when all of it, by the beginning of its labels, has come.
fn takes(case: &Case<'_>, path: &[&str], of: &str, after: &str) -> Outcome {
    if case.received().all(|message| !message.requests("initialize")) {
        return Outcome::NotExercised(case.why_not("initialize"));
    }
    if offers(case, path).is_none() {
        return Outcome::NotApplicable(format!("the client does not have {}", path.join(".")));
    }
    let labels = case.sent().filter_map(|message| message.label.as_deref());
    match labels.filter(|label| label.starts_with(of)).last() {
        Some(last) => lives_on(case, last, after),
        None => Outcome::NotExercised(case.why_not(of)),
    }
}

fn the_childs_request_is_answered(case: &Case<'_>) -> Outcome {
    if offers(case, &["subagents"]).is_none() {
        return Outcome::NotApplicable("the client does not have subagents".to_owned());
    }
    let call = call!(case, "child/permission");
    Outcome::pass_if(call.result().is_some_and(|result| result["outcome"].is_object()), || {
        Outcome::broken("an outcome", call.said(), call.places())
    })
}

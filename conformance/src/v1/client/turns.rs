//! Updates of a turn, and ends of turns.

use serde_json::{Value, json};

use super::stage::{begin, lives_on, ping, update};
use crate::core::check::{Check, all};
use crate::core::history::{Case, What};
use crate::core::probe::{Host, Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

/// Every kind of update that needs no capability.
pub(super) const UPDATES: Scenario = Scenario {
    name: "client-updates",
    about: "sends every kind of update that any client may get",
    play: |probe| Box::pin(updates(probe)),
    checks: &[Check::new("PROMPT-20", it_takes_every_update)],
};

async fn updates(probe: &mut Probe) -> Result<(), Stop> {
    let mut host = Host::default();
    let option = json!({
        "id": "model", "name": "Model", "type": "select", "currentValue": "a",
        "options": [{ "value": "a", "name": "A" }, { "value": "b", "name": "B" }],
    });
    host.session["configOptions"] = json!([option]);
    host.session["modes"] = json!({ "currentModeId": "ask", "availableModes": [{ "id": "ask", "name": "Ask" }, { "id": "go", "name": "Go" }] });
    let turn = begin(probe, "turn", host).await?;
    ping(probe, "control").await?;
    let text = |text: &str| json!({ "type": "text", "text": text });
    let diff = json!({ "type": "diff", "path": probe.path("file.txt"), "oldText": null, "newText": "new\n" });
    let plan = |status: &str| json!({ "sessionUpdate": "plan", "entries": [{ "content": "Look", "priority": "high", "status": status }] });
    let mut changed = option.clone();
    changed["currentValue"] = json!("b");
    for sent in [
        json!({ "sessionUpdate": "user_message_chunk", "content": text("as you said") }),
        json!({ "sessionUpdate": "agent_thought_chunk", "content": text("hm") }),
        json!({ "sessionUpdate": "agent_message_chunk", "content": text("ü 🚀 e\u{301} \u{2028} \"quoted\" \\ \u{0} done") }),
        json!({ "sessionUpdate": "agent_message_chunk", "messageId": "conformance-message", "content": {
            "type": "resource_link", "uri": "file:///conformance", "name": "a link",
        } }),
        plan("pending"),
        json!({ "sessionUpdate": "tool_call", "toolCallId": "edit", "title": "Edit", "kind": "edit", "status": "pending" }),
        json!({ "sessionUpdate": "tool_call_update", "toolCallId": "edit", "status": "in_progress", "content": [diff],
            "locations": [{ "path": probe.path("file.txt"), "line": 1 }], "rawInput": { "a": [1, null] } }),
        json!({ "sessionUpdate": "tool_call_update", "toolCallId": "edit", "status": "failed", "rawOutput": "no" }),
        json!({ "sessionUpdate": "tool_call", "toolCallId": "bare", "title": "Bare" }),
        json!({ "sessionUpdate": "tool_call_update", "toolCallId": "bare", "status": "completed",
            "content": [{ "type": "content", "content": text("read") }] }),
        plan("completed"),
        json!({ "sessionUpdate": "available_commands_update", "availableCommands": [
            { "name": "look", "description": "Looks", "input": { "hint": "at what" } },
            { "name": "leap", "description": "Leaps" },
        ] }),
        json!({ "sessionUpdate": "current_mode_update", "currentModeId": "go" }),
        json!({ "sessionUpdate": "config_option_update", "configOptions": [changed] }),
        json!({ "sessionUpdate": "session_info_update", "title": "A title" }),
        json!({ "sessionUpdate": "usage_update", "used": 100, "size": 1000 }),
    ] {
        let label = format!("update/{}", sent["sessionUpdate"].as_str().unwrap_or_default());
        update(probe, &label, sent).await?;
    }
    update(probe, "update/last", json!({ "sessionUpdate": "agent_message_chunk", "content": text("") })).await?;
    ping(probe, "after/updates").await?;
    turn.done(probe).await
}

/// A client that falls over one of them may not have got the last.
fn it_takes_every_update(case: &Case<'_>) -> Outcome {
    let updates =
        case.sent().filter_map(|message| message.label.as_deref().filter(|label| label.starts_with("update/")));
    match updates.last() {
        Some(last) => lives_on(case, last, "after/updates"),
        None => Outcome::NotExercised(case.why_not("update/last")),
    }
}

/// Reasons for which turns end, besides that of all the other scenarios.
const REASONS: [&str; 4] = ["max_tokens", "max_turn_requests", "refusal", "cancelled"];

/// Every end of a turn.
pub(super) const ENDINGS: Scenario = Scenario {
    name: "client-endings",
    about: "ends turns for every reason, and with an error that nobody knows, each on a new connection",
    play: |probe| Box::pin(endings(probe)),
    checks: &[
        Check::new("PROMPT-20/a", |case| all(REASONS.map(|reason| survives(case, reason)))),
        Check::new("ERR-02", |case| survives(case, "error")),
    ],
};

async fn endings(probe: &mut Probe) -> Result<(), Stop> {
    let reasons = REASONS.map(|reason| (reason, Ok(json!({ "stopReason": reason }))));
    let strange = json!({ "code": 4711, "message": "Out of paper", "data": { "tray": 2 } });
    let ends: Vec<(&str, Result<Value, Value>)> = reasons.into_iter().chain([("error", Err(strange))]).collect();
    for (name, outcome) in ends {
        let turn = begin(probe, name, Host::default()).await?;
        ping(probe, &format!("{name}/before")).await?;
        probe.reply(&turn.prompt, outcome).await?;
        probe.note(&format!("{name}/sent"), json!(true));
        let (gone, _) = probe.farewell(probe.limits().grace).await;
        if !gone {
            // One that is there has to be well; one that goes now has ended its turn, too.
            match ping(probe, &format!("{name}/after")).await {
                Ok(()) | Err(Stop::Gone | Stop::Late(_)) => {}
                Err(stop) => return Err(stop),
            }
        }
    }
    Ok(())
}

/// After its turn ended so, the client ended by itself, or goes on.
fn survives(case: &Case<'_>, name: &str) -> Outcome {
    let events = &case.history().events;
    let sent = |event: &crate::core::history::Event| matches!(&event.what, What::Note { label, .. } if *label == format!("{name}/sent"));
    let Some(place) = events.iter().position(sent) else {
        return Outcome::NotExercised(case.why_not(&format!("{name}/sent")));
    };
    let on = events[place].on;
    let killed = events.iter().enumerate().skip(place).find_map(|(at, event)| match event.what {
        What::Exited { signal: Some(signal), .. } if event.on == on => Some((at, signal)),
        _ => None,
    });
    if let Some((at, signal)) = killed {
        return Outcome::broken(
            "a client that takes the end of its turn",
            format!("signal {signal} ended it"),
            vec![at],
        );
    }
    match case.call(&format!("{name}/after")) {
        Some(call) if call.answer.is_none() && !closed(case, on) => {
            Outcome::broken("an answer to a request after the turn, or the client's end", "neither", call.places())
        }
        _ => Outcome::Pass,
    }
}

fn closed(case: &Case<'_>, on: u32) -> bool {
    case.history().events.iter().any(|event| event.on == on && matches!(event.what, What::OutputClosed))
}

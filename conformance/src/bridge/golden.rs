//! One conversation, with the agent itself and through the bridge.

use serde_json::{Value, json};

use super::direct;
use crate::core::check::{Check, call};
use crate::core::history::{Call, Case, brief};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// The same conversation twice.
pub(super) const GOLDEN: Scenario = Scenario {
    name: "bridge-golden",
    about: "holds the same conversation with the agent itself and through the bridge",
    play: |probe| Box::pin(golden(probe)),
    checks: &[Check::new("BRIDGE-01", both_are_alike)],
};

/// Prompts of the conversation: an answer, a plan, a tool with a permission that is given, and one that is not.
const PROMPTS: [(&str, &str); 4] =
    [("reply", prompts::REPLY), ("plan", prompts::PLAN), ("touch", prompts::TOUCH), ("refuse", prompts::REFUSE)];
/// Updates that make up a turn. Anything else may come at any time, and from a bridge of its own accord.
const CONTENT: [&str; 5] = ["agent_message_chunk", "agent_thought_chunk", "tool_call", "tool_call_update", "plan"];

async fn golden(probe: &mut Probe) -> Result<(), Stop> {
    // A bridge may serve these itself, and an agent says more to those who have them.
    probe.capabilities = json!({ "fs": { "readTextFile": true, "writeTextFile": true }, "terminal": true });
    (probe.manners.files, probe.manners.terminals) = (true, true);
    direct::open(probe).await;
    conversation(probe, "direct").await?;
    probe.open().await?;
    conversation(probe, "bridge").await
}

async fn conversation(probe: &mut Probe, way: &str) -> Result<(), Stop> {
    let params = probe.introduction();
    let _ = probe.call(&format!("{way}/initialize"), "initialize", params).await?;
    let session = probe.session(&format!("{way}/session")).await?;
    let params = json!({ "sessionId": session, "modeId": "code" });
    let _ = probe.call(&format!("{way}/mode"), "session/set_mode", params).await?;
    for (label, text) in PROMPTS {
        let _ = probe.prompt(&format!("{way}/{label}"), &session, text).await?;
    }
    Ok(())
}

fn both_are_alike(case: &Case<'_>) -> Outcome {
    for (label, _) in PROMPTS {
        let (direct, bridged) = (call!(case, &format!("direct/{label}")), call!(case, &format!("bridge/{label}")));
        let (wanted, found) = (course(case, &direct), course(case, &bridged));
        let differs = (0..wanted.len().max(found.len())).find(|place| wanted.get(*place) != found.get(*place));
        if let Some(place) = differs {
            let show = |course: &[Seen]| course.get(place).map_or("nothing".to_owned(), |seen| brief(&seen.what));
            let places = [&wanted, &found].iter().filter_map(|course| course.get(place).map(|seen| seen.at)).collect();
            let expected = format!("in the turn of `{label}`, as from the agent itself, {}", show(&wanted));
            return Outcome::broken(expected, show(&found), places);
        }
    }
    let (direct, bridged) = (call!(case, "direct/mode"), call!(case, "bridge/mode"));
    Outcome::pass_if(direct.result().is_some() == bridged.result().is_some(), || {
        Outcome::broken(format!("as the agent itself: {}", direct.said()), bridged.said(), bridged.places())
    })
}

/// Something that the client saw, and where. Equal if the same was seen.
struct Seen {
    at: usize,
    what: Value,
}

impl PartialEq for Seen {
    fn eq(&self, other: &Self) -> bool {
        self.what == other.what
    }
}

/// The turn as the client saw it.
fn course(case: &Case<'_>, prompt: &Call<'_>) -> Vec<Seen> {
    let (from, until, on) = (prompt.request.index, prompt.until(), prompt.request.on);
    let (mut course, mut ids) = (Vec::new(), Vec::new());
    for message in case.received().filter(|m| m.on == on && m.index > from && m.index <= until) {
        let seen = match (message.update(), message.params()) {
            (Some(update), _) if CONTENT.iter().any(|kind| update["sessionUpdate"] == *kind) => update.clone(),
            (_, Some(params)) if message.requests("session/request_permission") => params.clone(),
            _ => continue,
        };
        course.push(Seen { at: message.index, what: plain(seen, &mut ids) });
    }
    let end = prompt.result().map(|result| json!({ "stopReason": result["stopReason"] }));
    let at = prompt.answer.map_or(from, |answer| answer.index);
    course.push(Seen { at, what: end.unwrap_or_else(|| json!({ "ended": prompt.said() })) });
    course
}

/// Ids of a turn are others each time, and tell what belongs together.
const IDS: [&str; 2] = ["messageId", "toolCallId"];

/// Without what is another each time, or a bridge may add. An id becomes its place among the ids of its turn.
fn plain(mut seen: Value, ids: &mut Vec<Value>) -> Value {
    if let Some(object) = seen.as_object_mut() {
        object.remove("_meta");
        object.remove("sessionId");
    }
    for path in ["", "/toolCall"] {
        let part = seen.pointer_mut(path).and_then(Value::as_object_mut);
        for id in part.into_iter().flatten().filter(|(name, _)| IDS.contains(&name.as_str())).map(|(_, id)| id) {
            let place = ids.iter().position(|known| known == id).unwrap_or_else(|| {
                ids.push(id.clone());
                ids.len() - 1
            });
            *id = json!(place);
        }
    }
    seen
}

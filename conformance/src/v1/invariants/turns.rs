//! Sessions and the order of what belongs to a turn.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::core::each::{each, session_of};
use crate::core::history::{Body, Case, Message};
use crate::core::verdict::Outcome;

/// Returns whether a session is one of a connection: it was made on it, we named it, or it is a child that was announced.
/// It may be named before its answer.
pub(super) fn is_known(case: &Case<'_>, on: u32, session: &str) -> bool {
    case.messages().iter().filter(|message| message.on == on).any(|message| match &message.body {
        Body::Request { params, .. } if !message.is_received() => params["sessionId"] == session,
        Body::Response { outcome: Ok(result), .. } if message.is_received() => result["sessionId"] == session,
        Body::Notification { .. } if message.is_received() => message.announced_child() == Some(session),
        _ => false,
    })
}

pub(super) fn updates_name_known_sessions(case: &Case<'_>) -> Outcome {
    let mut known: HashSet<(u32, &str)> = HashSet::new();
    each(
        case,
        |message| message.update().is_some(),
        |message| {
            let session = session_of(message);
            if known.contains(&session) || is_known(case, session.0, session.1) {
                known.insert(session);
                return None;
            }
            let actual = format!("the session {:?}", session.1);
            Some(Outcome::broken("a session of this connection", actual, vec![message.index]))
        },
    )
}

const CHUNKS: [&str; 2] = ["agent_message_chunk", "agent_thought_chunk"];

fn is_chunk(message: &Message) -> bool {
    message.update_kind().is_some_and(|kind| CHUNKS.contains(&kind))
}

/// Between the end of a turn and our next request to its session the agent has nothing to say.
pub(super) fn output_comes_before_the_answer(case: &Case<'_>) -> Outcome {
    let mut ended: HashMap<(u32, &str), usize> = HashMap::new();
    let mut prompts: HashMap<(u32, String), &Message> = HashMap::new();
    let mut seen = false;
    for message in case.messages() {
        match &message.body {
            Body::Request { id, method, .. } if !message.is_received() => {
                ended.remove(&session_of(message));
                if method == "session/prompt" {
                    prompts.insert((message.on, id.to_string()), message);
                }
            }
            Body::Response { id, .. } if message.is_received() => {
                if let Some(prompt) = prompts.remove(&(message.on, id.to_string())) {
                    seen = true;
                    ended.insert(session_of(prompt), message.index);
                }
            }
            _ if is_chunk(message) => {
                if let Some(answer) = ended.get(&session_of(message)) {
                    return Outcome::broken(
                        "output before the answer",
                        "a chunk after it",
                        vec![*answer, message.index],
                    );
                }
            }
            _ => {}
        }
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised("no turn was had".to_owned()) }
}

fn message_id(message: &Message) -> Option<&str> {
    message.update()?["messageId"].as_str()
}

pub(super) fn chunks_have_message_ids(case: &Case<'_>) -> Outcome {
    each(case, is_chunk, |message| {
        let without = message_id(message).is_none();
        without.then(|| Outcome::broken("a messageId", "a chunk without", vec![message.index]))
    })
}

/// An id that comes back after another one, or changes sides, joins what does not belong together. A load may repeat
/// everything.
pub(super) fn message_ids_do_not_come_back(case: &Case<'_>) -> Outcome {
    // Of each session, the ids that were left, with their kind, and the one that is being said.
    let mut left: HashMap<(u32, &str), HashMap<&str, &str>> = HashMap::new();
    let mut open: HashMap<(u32, &str), (&str, &str)> = HashMap::new();
    let mut seen = false;
    for message in case.messages() {
        if message.requests("session/load") || message.requests("session/resume") {
            left.remove(&session_of(message));
            open.remove(&session_of(message));
        }
        let Some(kind) = message.update_kind().filter(|kind| kind.ends_with("_message_chunk") || is_chunk(message))
        else {
            continue;
        };
        let (Some(id), session) = (message_id(message), session_of(message)) else { continue };
        seen = true;
        let doubt = |actual: &str| Outcome::doubtful("a new messageId for a new message", actual, vec![message.index]);
        if left.get(&session).is_some_and(|left| left.contains_key(id)) {
            return doubt(&format!("{id} came back after another one"));
        }
        match open.insert(session, (id, kind)) {
            Some((before, of)) if before == id && of != kind => return doubt(&format!("{id} as {of} and {kind}")),
            Some((before, of)) if before != id => {
                left.entry(session).or_default().insert(before, of);
            }
            _ => {}
        }
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised("no chunk has a messageId".to_owned()) }
}

/// The calls that were begun in a turn which then ended by itself.
pub(super) fn no_call_is_left_open(case: &Case<'_>) -> Outcome {
    let mut seen = false;
    for request in case.sent().filter(|message| message.requests("session/prompt")) {
        let Some(call) = case.call_of(request) else { continue };
        if call.result().is_none_or(|result| result["stopReason"] != "end_turn") {
            continue;
        }
        let mut open: HashMap<&str, usize> = HashMap::new();
        for message in case.updates(session_of(request).1, request.index, call.until()) {
            let Some(update) = message.update().filter(|_| message.on == request.on) else { continue };
            let Some(id) = update["toolCallId"].as_str() else { continue };
            let status = &update["status"];
            match message.update_kind() {
                Some("tool_call" | "tool_call_update") if is_final(status) => drop(open.remove(id)),
                Some("tool_call") => drop(open.insert(id, message.index)),
                _ => continue,
            }
            seen = true;
        }
        if let Some((id, place)) = open.into_iter().min_by_key(|(_, place)| *place) {
            let actual = format!("the call {id} is still open");
            return Outcome::broken("no open tool call at end_turn", actual, vec![place, call.until()]);
        }
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised("no turn with a tool call ended by itself".to_owned()) }
}

pub(super) fn is_final(status: &Value) -> bool {
    status == "completed" || status == "failed"
}

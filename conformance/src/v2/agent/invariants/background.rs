//! Work in the background, as states tell of it.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::core::each::{items, session_of};
use crate::core::history::{Case, Message};
use crate::core::verdict::Outcome;

/// State of a session on a connection.
#[derive(Default)]
struct Session<'c> {
    /// True if a state has told of background work.
    told: bool,
    /// Tool calls, terminals and child sessions that were announced.
    announced: HashSet<&'c str>,
    /// Those of them that have ended.
    ended: HashSet<&'c str>,
    /// Work that the last snapshot lists.
    listed: Vec<&'c str>,
}

const FINAL: [&str; 3] = ["completed", "failed", "cancelled"];

/// Every state has the list once one had it; what is listed was announced, and has ended before it is left out.
pub(super) fn snapshots_are_complete(case: &Case<'_>) -> Outcome {
    let mut sessions: HashMap<(u32, &str), Session<'_>> = HashMap::new();
    let mut seen = false;
    for message in case.messages() {
        // A session that is closed has no background work any more, and nothing more is told of it.
        if message.requests("session/close") && !message.is_received() {
            sessions.entry(session_of(message)).or_default().listed.clear();
        }
        let Some(update) = message.update() else { continue };
        let session = sessions.entry(session_of(message)).or_default();
        match message.update_kind() {
            Some("terminal_update") => note(session, &update["terminalId"], update["exitStatus"].is_object()),
            Some("tool_call_update") => {
                let ended = update["status"].as_str().is_some_and(|status| FINAL.contains(&status));
                note(session, &update["toolCallId"], ended);
            }
            Some("subagent_update") => note(session, &update["sessionId"], update["state"]["state"] == "idle"),
            Some("state_update") => {
                let list = &update["background"];
                seen |= list.is_array();
                if let Some(fault) = fault(session, list, message) {
                    return fault;
                }
            }
            _ => {}
        }
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised("the agent told of no background work".to_owned()) }
}

fn note<'c>(session: &mut Session<'c>, id: &'c Value, ended: bool) {
    let Some(id) = id.as_str() else { return };
    session.announced.insert(id);
    if ended {
        session.ended.insert(id);
    }
}

fn fault<'c>(session: &mut Session<'c>, list: &'c Value, message: &Message) -> Option<Outcome> {
    let wrong = |expected: &str, actual: String| Some(Outcome::broken(expected, actual, vec![message.index]));
    if !list.is_array() {
        return if session.told { wrong("background on every state_update", "none".to_owned()) } else { None };
    }
    session.told = true;
    let id = |item: &'c Value| ["terminalId", "toolCallId", "sessionId"].iter().find_map(|name| item[*name].as_str());
    let now: Vec<&str> = items(list).iter().filter_map(id).collect();
    if let Some(stranger) = now.iter().find(|id| !session.announced.contains(*id)) {
        return wrong("background work that was announced", format!("{stranger:?}, of which nothing was told"));
    }
    if let Some(gone) = session.listed.iter().find(|id| !now.contains(*id) && !session.ended.contains(*id)) {
        return wrong("the end of what is not listed any more", format!("{gone:?} left out without one"));
    }
    session.listed = now;
    None
}

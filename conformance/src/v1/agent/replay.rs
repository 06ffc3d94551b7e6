//! Checks of a replay, besides that it is whole.

use std::collections::HashMap;

use serde_json::Value;

use crate::core::check::{call, needs};
use crate::core::history::{Case, Message};
use crate::core::verdict::Outcome;

/// Updates that a load sent of its session before its answer.
fn replayed<'c>(case: &'c Case<'_>) -> Result<Vec<&'c Message>, Outcome> {
    let Some(call) = case.call("load") else { return Err(Outcome::NotExercised(case.why_not("load"))) };
    if call.result().is_none() {
        return Err(Outcome::NotExercised(format!("the load came to {}", call.said())));
    }
    let session = call.request.params().and_then(|params| params["sessionId"].as_str()).unwrap_or_default();
    let on = call.request.on;
    Ok(case.updates(session, call.request.index, call.until()).filter(|message| message.on == on).collect())
}

/// Messages of the user and of the agent never share an id.
pub(super) fn message_ids_are_of_one_message(case: &Case<'_>) -> Outcome {
    needs!(case, "loadSession");
    let replay = match replayed(case) {
        Ok(replay) => replay,
        Err(why) => return why,
    };
    let mut sides: HashMap<&str, (bool, usize)> = HashMap::new();
    for message in replay {
        let user = match message.update_kind() {
            Some("user_message_chunk") => true,
            Some("agent_message_chunk" | "agent_thought_chunk") => false,
            _ => continue,
        };
        let Some(id) = message.update().and_then(|update| update["messageId"].as_str()) else { continue };
        let (first, place) = *sides.entry(id).or_insert((user, message.index));
        if first != user {
            let actual = format!("the messageId {id:?} of the user's message and of the agent's");
            return Outcome::broken("a messageId for each message", actual, vec![place, message.index]);
        }
    }
    match sides.is_empty() {
        true => Outcome::NotExercised("the replay has no messageIds".to_owned()),
        false => Outcome::Pass,
    }
}

/// The text says SHOULD NOT of replays. Only what was told in the turn before can be replayed: an agent may have something
/// to tell of the load itself, and may tell it of every session.
pub(super) fn notices_are_of_their_moment(case: &Case<'_>) -> Outcome {
    needs!(case, "loadSession");
    let first = call!(case, "first/prompt");
    let replay = match replayed(case) {
        Ok(replay) => replay,
        Err(why) => return why,
    };
    let words = |message: &Message| notice(message).map(|(title, more)| (title.clone(), more.clone()));
    let of_first = || case.received().filter(|message| message.on == first.request.on);
    let always: Vec<_> = of_first().filter(|message| message.index < first.request.index).filter_map(words).collect();
    let told: Vec<_> = of_first()
        .filter(|message| message.index > first.request.index && message.index < first.until())
        .filter_map(words)
        .filter(|told| !always.contains(told))
        .collect();
    if told.is_empty() {
        return Outcome::NotExercised("the agent gave no notice that could be replayed".to_owned());
    }
    match replay.into_iter().find(|message| words(message).is_some_and(|again| told.contains(&again))) {
        Some(notice) => {
            let expected = "a replay without the notices of its turns";
            Outcome::doubtful(expected, "one of them", vec![notice.index])
        }
        None => Outcome::Pass,
    }
}

/// Title and description of a notice.
fn notice(message: &Message) -> Option<(&Value, &Value)> {
    let update = message.update().filter(|update| update["sessionUpdate"] == "notice")?;
    Some((&update["title"], &update["description"]))
}

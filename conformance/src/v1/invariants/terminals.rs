//! Terminals of the client, and requests that the agent takes back.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::core::each::{each, items, session_of};
use crate::core::history::{Case, Message, brief};
use crate::core::verdict::Outcome;

/// The terminals that were made, with the place of their making.
fn made<'c>(case: &'c Case<'_>) -> HashMap<(u32, &'c str), usize> {
    let created = case.asked("terminal/create");
    let of = |call: &crate::core::history::Call<'c>| {
        let id = call.result()?["terminalId"].as_str()?;
        Some(((call.request.on, id), call.until()))
    };
    created.iter().filter_map(of).collect()
}

/// The terminal of a request of the agent.
fn named(message: &Message) -> (u32, &str) {
    (message.on, message.params().and_then(|params| params["terminalId"].as_str()).unwrap_or_default())
}

fn released<'c>(case: &'c Case<'_>) -> HashMap<(u32, &'c str), usize> {
    let of = case.received().filter(|message| message.requests("terminal/release"));
    let mut places = HashMap::new();
    for message in of {
        places.entry(named(message)).or_insert(message.index);
    }
    places
}

/// A terminal is needed no more once its session is closed; whether it is until then, when the turn has ended in which it
/// was made, the agent may see otherwise.
fn left_open<'c>(case: &'c Case<'_>, terminals: impl Iterator<Item = ((u32, &'c str), usize)>) -> Outcome {
    let gone = released(case);
    let turns = |on: u32| case.sent().filter(move |m| m.requests("session/prompt") && m.on == on);
    let mut found = Outcome::NotExercised("no terminal was made in a turn that ended".to_owned());
    for (terminal, place) in terminals {
        let ended = turns(terminal.0).filter_map(|prompt| case.call_of(prompt)).find_map(|call| {
            let answer = call.answer?;
            (call.request.index < place && answer.index > place).then_some((call.request, answer.index))
        });
        let Some((prompt, end)) = ended else { continue };
        let closes = |m: &&Message| m.requests("session/close") && session_of(m) == session_of(prompt);
        let closed = case.sent().filter(closes).find(|close| close.index > end);
        found = found.and(match (gone.contains_key(&terminal), closed) {
            (true, _) => Outcome::Pass,
            (false, Some(close)) => Outcome::broken("a terminal/release", "none", vec![place, end, close.index]),
            (false, None) => Outcome::doubtful("a terminal/release", "none", vec![place, end]),
        });
    }
    found
}

pub(super) fn every_terminal_is_released(case: &Case<'_>) -> Outcome {
    left_open(case, made(case).into_iter())
}

pub(super) fn killed_terminals_are_released(case: &Case<'_>) -> Outcome {
    let killed = case.received().filter(|message| message.requests("terminal/kill"));
    left_open(case, killed.map(|message| (named(message), message.index)))
}

pub(super) fn nothing_is_used_after_its_release(case: &Case<'_>) -> Outcome {
    let gone = released(case);
    if gone.is_empty() {
        return Outcome::NotExercised("no terminal was released".to_owned());
    }
    let uses = |message: &Message| message.method().is_some_and(|method| method.starts_with("terminal/"));
    each(case, uses, |message| {
        let release = gone.get(&named(message))?;
        (message.index > *release).then(|| {
            let actual = message.method().unwrap_or_default();
            Outcome::broken("no use of a released terminal", actual, vec![*release, message.index])
        })
    })
}

/// The terminals that a tool call shows.
fn shown(message: &Message) -> Vec<&str> {
    let content = message.update().map(|update| items(&update["content"])).unwrap_or_default();
    content.iter().filter(|content| content["type"] == "terminal").filter_map(|c| c["terminalId"].as_str()).collect()
}

/// Of a client without terminals an id can only be one of the agent's own, which some clients take by an extension.
pub(super) fn shown_terminals_live(case: &Case<'_>) -> Outcome {
    let (made, gone) = (made(case), released(case));
    let with = |message: &Message| super::gated::offered(case, message.on, &["terminal"]);
    let mut known: HashSet<(u32, &str)> = HashSet::new();
    each(
        case,
        |message| with(message) && !shown(message).is_empty(),
        |message| {
            for id in shown(message) {
                let terminal = (message.on, id);
                if known.contains(&terminal) {
                    continue;
                }
                if made.get(&terminal).is_none_or(|place| *place > message.index) {
                    let actual = format!("the terminal {id:?}, which was not made");
                    return Some(Outcome::broken("a terminal of terminal/create", actual, vec![message.index]));
                }
                if let Some(release) = gone.get(&terminal).filter(|release| **release < message.index) {
                    let places = vec![*release, message.index];
                    return Some(Outcome::broken("shown before its release", "after it", places));
                }
                known.insert(terminal);
            }
            None
        },
    )
}

fn takes_back(message: &Message) -> bool {
    message.method() == Some("$/cancel_request")
}

fn taken_back(message: &Message) -> &Value {
    message.params().map_or(&Value::Null, |params| &params["requestId"])
}

pub(super) fn cancelled_ids_are_ids(case: &Case<'_>) -> Outcome {
    each(case, takes_back, |message| {
        let there = message.params().is_some_and(|params| params.get("requestId").is_some());
        let id = taken_back(message);
        let good = there && (id.is_null() || id.is_string() || id.is_i64() || id.is_u64());
        (!good).then(|| Outcome::broken("a requestId", brief(id), vec![message.index]))
    })
}

pub(super) fn cancelled_requests_are_open(case: &Case<'_>) -> Outcome {
    each(case, takes_back, |message| {
        let asked = case.received().filter(|m| m.on == message.on && m.index < message.index && m.method().is_some());
        let known = asked.into_iter().any(|asked| asked.id() == Some(taken_back(message)));
        (!known).then(|| Outcome::broken("a request of the agent", brief(taken_back(message)), vec![message.index]))
    })
}

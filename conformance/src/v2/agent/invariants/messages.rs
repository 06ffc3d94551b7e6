//! Messages of the session and messages on the wire: their ids, and values that are nobody's.

use std::collections::HashMap;

use crate::core::each::{each, each_update};
use crate::core::history::{Body, Case, Message, brief};
use crate::core::schema::{Part, Side};
use crate::core::verdict::Outcome;
use crate::v2::VERSION;

const KINDS: [&str; 6] = [
    "user_message",
    "user_message_chunk",
    "agent_message",
    "agent_message_chunk",
    "agent_thought",
    "agent_thought_chunk",
];

pub(super) fn every_message_has_an_id(case: &Case<'_>) -> Outcome {
    each_update(case, &KINDS, |message, update| {
        let id = &update["messageId"];
        (!id.is_string()).then(|| Outcome::broken("a messageId", brief(update), vec![message.index]))
    })
}

pub(crate) fn ids_are_not_null_and_not_used_twice(case: &Case<'_>) -> Outcome {
    let mut open: HashMap<(u32, String), usize> = HashMap::new();
    each(
        case,
        |message| matches!(message.body, Body::Request { .. }),
        |message| {
            let id = message.id()?;
            if id.is_null() {
                return Some(Outcome::broken("an id", "null", vec![message.index]));
            }
            let until = case.call_of(message).map_or(usize::MAX, |call| call.until());
            let earlier = open.insert((message.on, id.to_string()), until);
            // An id may be used again once its answer was sent.
            earlier
                .filter(|until| *until > message.index)
                .map(|_| Outcome::broken("an id that waits for no answer", format!("{id} again"), vec![message.index]))
        },
    )
}

/// The method, the part of it and the side that serves it, of a message of the subject.
fn known_as<'m>(case: &'m Case<'_>, message: &'m Message) -> Option<(Side, &'m str, Part, &'m serde_json::Value)> {
    let (own, other) = match case.subject {
        Side::Agent => (Side::Agent, Side::Client),
        Side::Client => (Side::Client, Side::Agent),
    };
    match &message.body {
        Body::Request { method, params, .. } => Some((other, method, Part::Request, params)),
        Body::Notification { method, params } => Some((other, method, Part::Notification, params)),
        Body::Response { outcome: Ok(result), .. } => {
            Some((own, case.asked_by(message)?.method()?, Part::Response, result))
        }
        _ => None,
    }
}

pub(crate) fn own_values_begin_with_an_underscore(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| case.version(message.on) == Some(VERSION.into()) && known_as(case, message).is_some(),
        |message| {
            let (side, method, part, value) = known_as(case, message)?;
            let found = case.schemas.reserved(side, method, part, value);
            (!found.is_empty()).then(|| {
                let expected = "values of the protocol, or own ones that begin with `_`";
                Outcome::broken(expected, found.join("; "), vec![message.index])
            })
        },
    )
}

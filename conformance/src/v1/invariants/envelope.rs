//! JSON-RPC and the schema.

use std::collections::HashMap;

use serde_json::Value;

use crate::core::each::each;
use crate::core::history::{Body, Case, Message, brief};
use crate::core::schema::{Part, Side};
use crate::core::verdict::Outcome;

/// Every message is one of three kinds. The checks of the transport report what is no JSON.
pub(crate) fn every_message_is_one_of_three(case: &Case<'_>) -> Outcome {
    each(
        case,
        |_| true,
        |message| match &message.body {
            Body::Junk { why } if !why.starts_with("no ") => {
                Some(Outcome::broken("a request, a notification or a response", why, vec![message.index]))
            }
            _ => None,
        },
    )
}

pub(crate) fn every_answer_is_a_result_or_a_proper_error(case: &Case<'_>) -> Outcome {
    let answers = |message: &Message| match &message.body {
        Body::Response { .. } => true,
        Body::Junk { why } => why.starts_with("a response"),
        _ => false,
    };
    each(case, answers, |message| {
        let wrong = |actual: String| {
            let expected = "a result, or an error with an integer code and a message";
            Some(Outcome::broken(expected, actual, vec![message.index]))
        };
        match &message.body {
            Body::Junk { why } => wrong(why.clone()),
            Body::Response { outcome: Err(error), .. } if !error["code"].is_i64() => {
                wrong(format!("the code {}", brief(&error["code"])))
            }
            Body::Response { outcome: Err(error), .. } if !error["message"].is_string() => {
                wrong(format!("the message {}", brief(&error["message"])))
            }
            _ => None,
        }
    })
}

pub(crate) fn one_answer_per_request(case: &Case<'_>) -> Outcome {
    let mut answered: HashMap<(u32, String), usize> = HashMap::new();
    let answers = |message: &Message| matches!(&message.body, Body::Response { id, .. } if !id.is_null());
    each(case, answers, |message| {
        let id = message.id().map(Value::to_string).unwrap_or_default();
        let first = answered.insert((message.on, id.clone()), message.index)?;
        // An id may be used again once its answer is there.
        let again =
            case.sent().filter(|sent| sent.on == message.on && sent.index > first && sent.index < message.index);
        let reused = again
            .filter(|sent| matches!(sent.body, Body::Request { .. }))
            .any(|sent| sent.id().map(Value::to_string).is_some_and(|used| used == id));
        (!reused)
            .then(|| Outcome::broken("one answer", format!("two answers with the id {id}"), vec![first, message.index]))
    })
}

pub(super) fn ids_are_no_null_and_no_fraction(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| matches!(message.body, Body::Request { .. }),
        |message| {
            let id = message.id()?;
            let good = id.is_string() || id.is_i64() || id.is_u64();
            (!good).then(|| Outcome::broken("a string or an integer", format!("the id {id}"), vec![message.index]))
        },
    )
}

pub(super) fn everything_keeps_to_the_schema(case: &Case<'_>) -> Outcome {
    // Another version has other schemas; whether it may be answered is what INIT-09 asks.
    let ours = |version: Option<u64>| !version.is_some_and(|version| version > 1 && version < 1000);
    keeps_to_the_schema(case, ours, |_, part, value| is_null_for_empty(part, value))
}

/// Everything on connections of our version is by the schema, except what is excused by method, part and value.
pub(crate) fn keeps_to_the_schema(
    case: &Case<'_>,
    ours: impl Fn(Option<u64>) -> bool,
    excused: impl Fn(&str, Part, &Value) -> bool,
) -> Outcome {
    let (own, other) = match case.subject {
        Side::Agent => (Side::Agent, Side::Client),
        Side::Client => (Side::Client, Side::Agent),
    };
    let found = each(
        case,
        |message| {
            let version = ours(case.version(message.on));
            version && !matches!(message.body, Body::Junk { .. }) && unknown_update(case, message).is_none()
        },
        |message| {
            let (method, part, side, value) = match &message.body {
                Body::Request { method, params, .. } => (method.as_str(), Part::Request, other, params),
                Body::Notification { method, params } => (method.as_str(), Part::Notification, other, params),
                Body::Response { outcome: Ok(result), .. } => {
                    let asked = case.asked_by(message)?;
                    (asked.method()?, Part::Response, own, result)
                }
                Body::Response { outcome: Err(error), .. } => {
                    let faults = case.schemas.faults_of("Error", error);
                    let fault = faults.first()?;
                    return Some(Outcome::broken("an error by the schema", fault, vec![message.index]));
                }
                Body::Junk { .. } => return None,
            };
            let faults = case.schemas.faults(side, method, part, value);
            if faults.is_empty() || excused(method, part, value) {
                return None;
            }
            let what = match part {
                Part::Response => "result",
                Part::Request | Part::Notification => "params",
            };
            Some(Outcome::broken(format!("{what} of {method} by the schema"), faults.join("; "), vec![message.index]))
        },
    );
    match (found, case.received().find_map(|message| unknown_update(case, message))) {
        (Outcome::Pass, Some(kind)) => Outcome::Info(format!("an update of the kind {kind:?}, which no schema has")),
        (found, _) => found,
    }
}

/// The kind of an update that the protocol does not have. What is to be thought of one the texts do not say (AMB-34).
pub(super) fn unknown_update<'m>(case: &Case<'_>, message: &'m Message) -> Option<&'m str> {
    message.update_kind().filter(|kind| !case.schemas.knows_update(kind))
}

/// `null` where the schema has an empty object: the documentation's own examples do that (AMB-26).
fn is_null_for_empty(part: Part, value: &Value) -> bool {
    part == Part::Response && value.is_null()
}

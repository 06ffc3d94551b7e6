//! Extensions of the specification.

use serde_json::Value;

use crate::core::each::each;
use crate::core::history::{Body, Case, Message, brief};
use crate::core::schema::{Part, Side};
use crate::core::verdict::Outcome;

/// Members whose inside belongs to somebody else.
const FOREIGN: [&str; 6] = ["_meta", "rawInput", "rawOutput", "data", "requestedSchema", "content"];

/// The protocol's part of a message: params or result.
fn payload(message: &Message) -> Option<&Value> {
    match &message.body {
        Body::Request { method, params, .. } | Body::Notification { method, params } => {
            (!method.starts_with('_')).then_some(params)
        }
        Body::Response { outcome: Ok(result), .. } => Some(result),
        _ => None,
    }
}

/// Every `_meta` in a value.
fn metas<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("_meta"));
            for (_, inner) in object.iter().filter(|(name, _)| !FOREIGN.contains(&name.as_str())) {
                metas(inner, found);
            }
            // A block or a list of contents is the protocol's, raw text is nobody's.
            if let Some(content) = object.get("content") {
                metas(content, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| metas(item, found)),
        _ => {}
    }
}

fn metas_of(message: &Message) -> Vec<&Value> {
    let mut found = Vec::new();
    if let Some(payload) = payload(message) {
        metas(payload, &mut found);
    }
    found.retain(|meta| !meta.is_null());
    found
}

pub(super) fn meta_is_an_object(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| !metas_of(message).is_empty(),
        |message| {
            let bad = metas_of(message).into_iter().find(|meta| !meta.is_object())?;
            Some(Outcome::broken("an object", brief(bad), vec![message.index]))
        },
    )
}

pub(super) fn trace_context_can_be_read(case: &Case<'_>) -> Outcome {
    let traced = |meta: &&Value| ["traceparent", "tracestate", "baggage"].iter().any(|name| meta.get(name).is_some());
    each(
        case,
        |message| metas_of(message).iter().any(traced),
        |message| {
            let bad = metas_of(message).into_iter().filter(traced).find(|meta| {
                let text = |name: &str| meta.get(name).is_none_or(Value::is_string);
                let parent = meta.get("traceparent").is_none_or(|parent| parent.as_str().is_some_and(is_traceparent));
                !parent || !text("tracestate") || !text("baggage")
            })?;
            Some(Outcome::broken("W3C trace context", brief(bad), vec![message.index]))
        },
    )
}

/// `version-trace-span-flags`, in hexadecimal.
fn is_traceparent(text: &str) -> bool {
    let lengths = [2, 32, 16, 2];
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    parts.len() >= 4 && parts.iter().zip(lengths).all(|(part, length)| part.len() == length && hex(part))
}

/// Members that proposals of the protocol's own project name and no schema has yet, by the method whose answer has them: they
/// are nobody's custom fields. "Agents (or proxies) advertise multi-client support during initialization" (RFD
/// "Multi-Client Session Attach").
const PROPOSED: [(&str, &str); 1] = [("initialize", "/agentCapabilities/sessionCapabilities/attach")];

/// Strict readers fail at what a new schema may also have: doubtful only.
pub(super) fn nothing_is_added_to_the_types(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| {
            let known = super::envelope::unknown_update(case, message).is_none();
            payload(message).is_some() && case.version(message.on) == Some(1) && known
        },
        |message| {
            let (side, method, part, value) = match &message.body {
                Body::Request { method, params, .. } => (Side::Client, method.as_str(), Part::Request, params),
                Body::Notification { method, params } => (Side::Client, method.as_str(), Part::Notification, params),
                Body::Response { outcome: Ok(result), .. } => {
                    let asked = case.asked_by(message)?;
                    (Side::Agent, asked.method()?, Part::Response, result)
                }
                _ => return None,
            };
            let mut strange = case.schemas.strangers(side, method, part, value);
            strange.retain(|path| part != Part::Response || !PROPOSED.contains(&(method, path.as_str())));
            (!strange.is_empty()).then(|| {
                let expected = format!("only members of {method} that the schema has, others in _meta");
                Outcome::doubtful(expected, strange.join(", "), vec![message.index])
            })
        },
    )
}

pub(super) fn own_methods_begin_with_an_underscore(case: &Case<'_>) -> Outcome {
    let known = |method: &str| {
        let parts = [Part::Request, Part::Notification];
        let sides = [Side::Agent, Side::Client];
        sides.iter().any(|side| parts.iter().any(|part| case.schemas.knows(*side, method, *part)))
    };
    each(
        case,
        |message| message.method().is_some(),
        |message| {
            let method = message.method()?;
            let own = method.starts_with('_') || method.starts_with("$/");
            (!own && !known(method)).then(|| {
                let expected = "a method of the protocol, or one that begins with _";
                Outcome::broken(expected, format!("{method:?}"), vec![message.index])
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::is_traceparent;

    #[test]
    fn a_trace_parent_has_four_parts_in_hexadecimal() {
        assert!(is_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        assert!(!is_traceparent("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"));
        assert!(!is_traceparent("today"));
    }
}

//! Questions to the user.

use std::collections::HashMap;

use serde_json::Value;

use super::gated::offered;
use crate::core::each::{each, session_of};
use crate::core::history::{Body, Case, Message, brief};
use crate::core::verdict::Outcome;

fn asks(message: &Message) -> bool {
    message.requests("elicitation/create")
}

fn params(message: &Message) -> &Value {
    message.params().unwrap_or(&Value::Null)
}

pub(super) fn only_offered_modes(case: &Case<'_>) -> Outcome {
    each(case, asks, |message| {
        let mode = params(message)["mode"].as_str().unwrap_or("form");
        (!offered(case, message.on, &["elicitation", mode])).then(|| {
            let actual = format!("the mode {mode}, which it did not offer");
            Outcome::broken("a mode that the client offered", actual, vec![message.index])
        })
    })
}

/// A question is about a session of this connection, or a request that waits.
pub(super) fn requests_have_mode_message_and_scope(case: &Case<'_>) -> Outcome {
    each(case, asks, |message| {
        let params = params(message);
        let session =
            params["sessionId"].is_string() && super::turns::is_known(case, message.on, session_of(message).1);
        let request = case.sent().filter(|m| m.on == message.on && m.index < message.index);
        let waits = |asked: &Message| {
            asked.method().is_some()
                && asked.id() == Some(&params["requestId"])
                && case.call_of(asked).is_some_and(|call| call.until() > message.index)
        };
        let scoped = session || request.into_iter().any(waits);
        let good = params["mode"].is_string() && params["message"].is_string() && scoped;
        (!good).then(|| {
            let expected = "a mode, a message, and a known session or an open request";
            Outcome::broken(expected, brief(params), vec![message.index])
        })
    })
}

/// The fields of a form.
fn fields(message: &Message) -> impl Iterator<Item = (&String, &Value)> {
    params(message)["requestedSchema"]["properties"].as_object().into_iter().flatten()
}

fn is_form(message: &Message) -> bool {
    asks(message) && params(message)["mode"] == "form"
}

pub(super) fn forms_are_flat(case: &Case<'_>) -> Outcome {
    const TYPES: [&str; 5] = ["string", "number", "integer", "boolean", "array"];
    each(case, is_form, |message| {
        let flat = |field: &Value| {
            let kind = field["type"].as_str().unwrap_or_default();
            let listed = kind != "array" || field["items"].is_object();
            // A type of its own begins with an underscore.
            (TYPES.contains(&kind) || kind.starts_with('_'))
                && listed
                && field["properties"].is_null()
                && field["items"]["properties"].is_null()
        };
        let (name, field) = fields(message).find(|(_, field)| !flat(field))?;
        let expected = "fields that are text, numbers, booleans or choices";
        Some(Outcome::broken(expected, format!("{name}: {}", brief(field)), vec![message.index]))
    })
}

fn is_url(message: &Message) -> bool {
    asks(message) && params(message)["mode"] == "url"
}

/// An id may come again once its question is completed, or was not accepted, and so never will be.
pub(super) fn open_ids_are_distinct(case: &Case<'_>) -> Outcome {
    let mut open: HashMap<(u32, &str), usize> = HashMap::new();
    let mut seen = false;
    for message in case.received() {
        let id = params(message)["elicitationId"].as_str().unwrap_or_default();
        if is_url(message) {
            seen = true;
            if open.get(&(message.on, id)).is_some_and(|until| *until > message.index) {
                return Outcome::broken("an id of its own", format!("{id:?} once more"), vec![message.index]);
            }
            let asked = case.call_of(message);
            let refused = asked.filter(|call| call.result().is_none_or(|result| result["action"] != "accept"));
            open.insert((message.on, id), refused.map_or(usize::MAX, |call| call.until()));
        } else if message.method() == Some("elicitation/complete") {
            open.remove(&(message.on, id));
        }
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised("the agent asked for no URL to be opened".to_owned()) }
}

pub(super) fn completed_ids_are_known(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| message.method() == Some("elicitation/complete"),
        |message| {
            let id = &params(message)["elicitationId"];
            let before = case.received().filter(|m| m.on == message.on && m.index < message.index);
            let known = before.filter(|m| is_url(m)).any(|asked| &params(asked)["elicitationId"] == id);
            let notified = matches!(message.body, Body::Notification { .. });
            (!known || !notified)
                .then(|| Outcome::broken("a notification with an id that was asked", brief(id), vec![message.index]))
        },
    )
}

/// URLs are well formed. What is behind an address is for a person to judge.
pub(super) fn urls_are_safe(case: &Case<'_>) -> Outcome {
    each(case, is_url, |message| {
        let url = params(message)["url"].as_str().unwrap_or_default();
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let local = host.starts_with("127.0.0.1") || host.starts_with("localhost") || host.starts_with("[::1]");
        if host.contains('@') {
            let actual = format!("{scheme}://…@{}", host.rsplit('@').next().unwrap_or_default());
            return Some(Outcome::broken("an address without credentials", actual, vec![message.index]));
        }
        (scheme != "https" && !local).then(|| Outcome::doubtful("https", url, vec![message.index]))
    })
}

pub(super) fn forms_have_no_urls(case: &Case<'_>) -> Outcome {
    each(case, is_form, |message| {
        let texts = |field: &Value| {
            ["title", "description", "default"].map(|name| field[name].as_str().unwrap_or_default().to_owned())
        };
        let linked = |text: &String| text.contains("http://") || text.contains("https://");
        let (name, _) = fields(message).find(|(_, field)| texts(field).iter().any(linked))?;
        Some(Outcome::broken("fields without addresses", format!("one in {name}"), vec![message.index]))
    })
}

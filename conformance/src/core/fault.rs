//! Faults of the suite and of the machine, told apart from those of the subject: what a history with one of them shows is
//! held against nobody.

use std::any::Any;
use std::collections::HashMap;

use serde_json::Value;

use crate::core::history::{Body, Case, Message, What};
use crate::core::schema::{Part, Schemas, Side};

/// Parts of a label that say that a message is wrong on purpose.
const ON_PURPOSE: [&str; 3] = ["bad", "junk", "malformed"];

/// The fault of the suite or the machine in this history, if there is one.
#[must_use]
pub fn of(case: &Case<'_>) -> Option<String> {
    noted(case).or_else(|| own_messages(case).next())
}

/// A fault that the scenario itself noticed.
fn noted(case: &Case<'_>) -> Option<String> {
    case.history().events.iter().find_map(|event| match &event.what {
        What::Fault { why } => Some(why.clone()),
        _ => None,
    })
}

/// Our own messages that the newest schema refuses, other than those that are wrong on purpose.
fn own_messages<'c>(case: &'c Case<'_>) -> impl Iterator<Item = String> + 'c {
    let asked = asked_once(case);
    let schemas = Schemas::of(None, 1);
    case.sent().filter(|message| !is_on_purpose(message)).filter_map(move |message| {
        let what = message.label.as_deref().or(message.method()).unwrap_or("an answer").to_owned();
        // Another version has other schemas.
        let other = case.version(message.on).is_some_and(|version| version > 1 && version < 1000);
        let faults = match &message.body {
            _ if other => Vec::new(),
            _ => faults(case, message, &asked, schemas.as_deref()?),
        };
        let first = faults.first()?;
        Some(format!("the suite sent a message that the schema refuses: `{what}`: {first}"))
    })
}

fn faults(case: &Case<'_>, message: &Message, asked: &HashMap<(u32, String), usize>, schemas: &Schemas) -> Vec<String> {
    let (subject, tester) = match case.subject {
        Side::Agent => (Side::Agent, Side::Client),
        Side::Client => (Side::Client, Side::Agent),
    };
    match &message.body {
        Body::Request { method, params, .. } => schemas.faults(subject, method, Part::Request, params),
        Body::Notification { method, params } => schemas.faults(subject, method, Part::Notification, params),
        // An empty result may be null (AMB-26).
        Body::Response { outcome: Ok(Value::Null), .. } => Vec::new(),
        Body::Response { outcome: Ok(result), id } => {
            // Which of two requests with one id was answered is not known.
            let once = asked.get(&(message.on, id.to_string())) == Some(&1);
            let method = case.asked_by(message).filter(|_| once).and_then(Message::method);
            method.map(|method| schemas.faults(tester, method, Part::Response, result)).unwrap_or_default()
        }
        Body::Response { outcome: Err(error), .. } => schemas.faults_of("Error", error),
        // What is no message at all can only be meant so.
        Body::Junk { .. } => Vec::new(),
    }
}

/// Number of the subject's requests by id.
fn asked_once(case: &Case<'_>) -> HashMap<(u32, String), usize> {
    let mut asked = HashMap::new();
    for message in case.received() {
        if let Body::Request { id, .. } = &message.body {
            *asked.entry((message.on, id.to_string())).or_default() += 1;
        }
    }
    asked
}

/// Returns whether a message is there to be refused, or to be passed over.
#[must_use]
pub fn is_on_purpose(message: &Message) -> bool {
    message.label.as_deref().is_some_and(|label| label.split('/').any(|part| ON_PURPOSE.contains(&part)))
}

/// The message of a panic.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("something that is no text").to_owned()
}

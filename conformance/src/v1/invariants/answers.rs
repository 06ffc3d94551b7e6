//! Answers and errors.

use crate::core::each::each;
use crate::core::history::{Body, Case, Message, What, brief};
use crate::core::verdict::Outcome;

/// The longest message that is still a sentence.
const MAX_SENTENCE: usize = 300;
/// Codes that the texts define, of those that are reserved.
const DEFINED: [i64; 10] = [-32700, -32600, -32601, -32602, -32603, -32000, -32001, -32002, -32042, -32800];

/// A request of ours that was waited for in vain.
pub(crate) fn every_request_is_answered(case: &Case<'_>) -> Outcome {
    let mut seen = false;
    for request in case.sent().filter(|message| matches!(message.body, Body::Request { .. })) {
        let Some(call) = case.call_of(request) else { continue };
        if call.answer.is_some() {
            seen = true;
            continue;
        }
        let Some(label) = &request.label else { continue };
        let missed = |event: &crate::core::history::Event| match &event.what {
            What::Missed { label: waited, .. } => waited == label,
            _ => false,
        };
        if case.history().events.iter().skip(request.index).any(missed) {
            return Outcome::broken("an answer", "none", vec![request.index]);
        }
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised("nothing was asked".to_owned()) }
}

fn is_error(message: &Message) -> bool {
    matches!(&message.body, Body::Response { outcome: Err(_), .. })
}

/// Asks every error object of the subject.
fn each_error<'c>(
    case: &'c Case<'_>,
    mut fault: impl FnMut(&'c Message, &'c serde_json::Value) -> Option<Outcome>,
) -> Outcome {
    each(case, is_error, |message| match &message.body {
        Body::Response { outcome: Err(error), .. } => fault(message, error),
        _ => None,
    })
}

pub(super) fn errors_are_whole(case: &Case<'_>) -> Outcome {
    each_error(case, |message, error| {
        let good = error["code"].is_i64() && error["message"].is_string();
        (!good).then(|| Outcome::broken("an integer code and a message", brief(error), vec![message.index]))
    })
}

pub(super) fn own_codes_lie_outside_the_reserved_range(case: &Case<'_>) -> Outcome {
    each_error(case, |message, error| {
        let code = error["code"].as_i64()?;
        let reserved = (-32768..=-32000).contains(&code) && !DEFINED.contains(&code);
        reserved.then(|| {
            let expected = "a code that is defined, or one outside of -32768 to -32000";
            Outcome::broken(expected, format!("the code {code}"), vec![message.index])
        })
    })
}

/// Messages are one sentence. Only a person can say more about how concise they are.
pub(super) fn messages_are_one_sentence(case: &Case<'_>) -> Outcome {
    each_error(case, |_, error| {
        let text = error["message"].as_str()?;
        let long = text.len() > MAX_SENTENCE || text.trim_end().contains('\n');
        long.then(|| Outcome::Info(format!("an error's message is long: {}", brief(&error["message"]))))
    })
}

//! Lines and bytes.

use std::collections::HashMap;

use crate::core::history::{Body, Case, Line, What};
use crate::core::verdict::Outcome;

/// Lines that the subject wrote, with their places.
fn lines<'c>(case: &'c Case<'_>) -> impl Iterator<Item = (usize, &'c Line)> {
    case.history().events.iter().enumerate().filter_map(|(place, event)| match &event.what {
        What::Received { line } => Some((place, line)),
        _ => None,
    })
}

fn nothing() -> Outcome {
    Outcome::NotExercised("the subject wrote nothing".to_owned())
}

pub(crate) fn everything_is_utf8(case: &Case<'_>) -> Outcome {
    let mut seen = false;
    for (place, line) in lines(case) {
        seen = true;
        if let Line::Hex(hex) = line {
            return Outcome::broken("UTF-8", format!("the bytes {hex}"), vec![place]);
        }
    }
    if seen { Outcome::Pass } else { nothing() }
}

/// A line that holds more than one value, or a part of one, is not one message. What is no JSON at all is the business
/// of [`nothing_but_messages`].
pub(crate) fn one_message_per_line(case: &Case<'_>) -> Outcome {
    let mut seen = false;
    for (place, line) in lines(case) {
        seen = true;
        let Some(text) = line.text() else { continue };
        let values: Vec<_> =
            serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>().take(3).collect();
        let objects = values.iter().filter(|value| value.as_ref().is_ok_and(serde_json::Value::is_object)).count();
        let cut = text.starts_with('{') && values.iter().any(|v| v.as_ref().is_err_and(serde_json::Error::is_eof));
        if objects > 1 {
            return Outcome::broken("one message in a line", format!("{objects} or more"), vec![place]);
        }
        if cut {
            return Outcome::broken("a whole message in a line", "a line break inside a message", vec![place]);
        }
    }
    if seen { Outcome::Pass } else { nothing() }
}

/// Of a line that holds nothing, and of one that ends as on another system, the texts say nothing (AMB-31).
pub(crate) fn nothing_but_messages(case: &Case<'_>) -> Outcome {
    let (mut found, expected) = (nothing(), "nothing but ACP messages");
    let lines: HashMap<usize, &Line> = lines(case).collect();
    for message in case.received() {
        let text = lines.get(&message.index).and_then(|line| line.text()).unwrap_or("?");
        found = found.and(match &message.body {
            body if body.is_blank() => Outcome::doubtful(expected, "a line with nothing in it", vec![message.index]),
            Body::Junk { why } => {
                return Outcome::broken(expected, format!("a line that is {why}"), vec![message.index]);
            }
            _ if text.ends_with('\r') => Outcome::doubtful("a line that ends with \\n", "\\r\\n", vec![message.index]),
            _ => Outcome::Pass,
        });
    }
    found
}

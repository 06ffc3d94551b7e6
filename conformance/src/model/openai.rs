//! OpenAI Responses.

mod patch;
mod request;
mod stream;
mod tools;

use serde_json::{Value, json};

pub(super) use request::Request;
pub(super) use stream::render;

use super::script::Review;

/// The body of an HTTP error.
pub(super) fn error(status: u16, kind: Option<&str>, message: &str) -> Value {
    let usual = match status {
        401 => "authentication_error",
        429 => "rate_limit_exceeded",
        500.. => "server_error",
        _ => "invalid_request_error",
    };
    json!({ "error": { "message": message, "type": kind.unwrap_or(usual), "param": null, "code": kind } })
}

/// What the reviewer of an approval says.
pub(super) fn review(review: Review) -> Value {
    let (outcome, risk) = match review {
        Review::Allow => ("allow", "low"),
        Review::Deny => ("deny", "high"),
    };
    json!({
        "outcome": outcome,
        "risk_level": risk,
        "user_authorization": "high",
        "rationale": "The script says so.",
    })
}

//! Bodies of errors, and what a reviewer says.

use serde_json::{Value, json};

use crate::model::script::Review;

/// The body of an HTTP error.
pub(in crate::model) fn error(status: u16, kind: Option<&str>, message: &str) -> Value {
    let usual = match status {
        401 => "authentication_error",
        429 => "rate_limit_exceeded",
        500.. => "server_error",
        _ => "invalid_request_error",
    };
    json!({ "error": { "message": message, "type": kind.unwrap_or(usual), "param": null, "code": kind } })
}

/// The verdict of an approval's reviewer.
pub(in crate::model) fn review(review: Review) -> Value {
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

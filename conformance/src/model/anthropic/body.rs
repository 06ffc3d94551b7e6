//! Bodies of errors, and texts in the form that Claude Code wants.

use serde_json::{Value, json};

/// The body of an HTTP error.
pub(in crate::model) fn error(status: u16, kind: Option<&str>, message: &str) -> Value {
    let usual = match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    };
    json!({ "type": "error", "error": { "type": kind.unwrap_or(usual), "message": message } })
}

/// A summary in the form that Claude Code asks for.
pub(in crate::model) fn summary(text: &str) -> String {
    format!("<analysis>\nThe script says so.\n</analysis>\n\n<summary>\n{text}\n</summary>")
}

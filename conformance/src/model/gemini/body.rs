//! Bodies of errors.

use serde_json::{Value, json};

/// The body of an HTTP error.
pub(in crate::model) fn error(status: u16, kind: Option<&str>, message: &str) -> Value {
    let usual = match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        500.. => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    };
    json!({ "error": { "code": status, "message": message, "status": kind.unwrap_or(usual) } })
}

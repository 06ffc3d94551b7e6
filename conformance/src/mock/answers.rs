//! Answers of all mocks.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

/// Result or error object.
pub(super) type RpcAnswer = Result<Value, Value>;

/// An error object.
pub(super) fn error(code: i64, message: &str) -> Value {
    json!({ "code": code, "message": message })
}

pub(super) fn parse_error() -> Value {
    error(-32700, "Parse error")
}

pub(super) fn invalid_request() -> Value {
    error(-32600, "Invalid Request")
}

pub(super) fn no_method() -> Value {
    error(-32601, "Method not found")
}

pub(super) fn invalid(what: &str) -> Value {
    error(-32602, &format!("Invalid params: {what}"))
}

pub(super) fn no_session(id: &str) -> Value {
    json!({ "code": -32002, "message": "Resource not found", "data": { "sessionId": id } })
}

/// Locks a mutex, also after a panic.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

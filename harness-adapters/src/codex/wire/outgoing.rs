//! Messages to the app-server.

use acp_types::RawBuf;
use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

/// The method of [`unreadable`].
pub(crate) const UNREADABLE: &str = "_unreadable";

/// A request.
pub(crate) fn call(id: &str, method: &str, params: &impl Serialize) -> RawBuf {
    encode(&json!({ "id": id, "method": method, "params": params }))
}

/// A notification.
pub(crate) fn notify(method: &str) -> RawBuf {
    encode(&json!({ "method": method }))
}

/// The answer to a request of the app-server.
pub(crate) fn answer(id: &RawBuf, result: &impl Serialize) -> RawBuf {
    encode(&json!({ "id": id, "result": result }))
}

/// The answer to a request of the app-server that cannot be met.
pub(crate) fn refuse(id: &RawBuf, why: &str) -> RawBuf {
    encode(&json!({ "id": id, "error": { "code": -32601, "message": why } }))
}

/// No message of the app-server: stands in place of one that cannot be read. `ends` when it may have ended a turn.
pub(crate) fn unreadable(ends: bool) -> RawBuf {
    encode(&json!({ "method": UNREADABLE, "params": { "ends": ends } }))
}

fn encode(value: &serde_json::Value) -> RawBuf {
    RawBuf::trusted(value.to_string())
}

/// A message as bytes to send.
pub(crate) fn bytes(message: &RawBuf) -> Bytes {
    Bytes::copy_from_slice(message.as_str().as_bytes())
}

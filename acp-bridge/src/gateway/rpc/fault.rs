//! Errors of the session API beside those that all of the gateway has, see `refusal`.

use acp_types::api::Method;
use acp_types::error::{ErrorCode, RawError, error};
use acp_types::{ErrorObjectOwned, Raw, RawBuf};
use serde_json::json;

use crate::service::{Invalid, ServiceError};
use crate::view::door;

/// Error for a param that cannot be used: which, and what to do.
pub(super) fn param(name: &str, message: impl Into<String>) -> ErrorObjectOwned {
    error(ErrorCode::INVALID_PARAMS, message, RawBuf::encode(&json!({ "member": name })).ok())
}

/// Names the param that is at fault when the method could not read them.
pub(super) fn explain(method: &str, params: Option<Raw<'_>>, found: &RawError) -> RawError {
    let unread =
        found.code() == ErrorCode::INVALID_PARAMS && found.data().is_none_or(|data| !data.as_str().starts_with('{'));
    let fault = Method::find(method).filter(|_| unread).and_then(|method| method.fault(params));
    fault
        .map_or_else(|| found.clone(), |(name, what)| RawError::from(&param(name, format!("{what}; see rpc.discover"))))
}

/// Error for a method that there is not.
pub(super) fn unknown_method(method: &str) -> ErrorObjectOwned {
    let shown: String = method.chars().take(100).collect();
    let message = format!("there is no method {shown:?} here: rpc.discover says which there are");
    error(ErrorCode::METHOD_NOT_FOUND, message, RawBuf::encode(&json!({ "method": shown })).ok())
}

/// Error for a subscription where nothing can be pushed.
pub(super) fn needs_web_socket(method: &str) -> ErrorObjectOwned {
    door::invalid_request(format!("{method} needs a WebSocket: connect to ws://HOST:PORT/rpc, or use session_read"))
}

/// Error for one more than a connection may have.
pub(super) fn too_many(what: &str, limit: usize) -> ErrorObjectOwned {
    let message =
        format!("there are {limit} {what} already, the limit: wait for one to end, or open another connection");
    error(ErrorCode::INTERNAL_ERROR, message, RawBuf::encode(&json!({ "limit": limit })).ok())
}

/// Error of a gateway that stops.
pub(super) fn stopping() -> ErrorObjectOwned {
    door::internal("the bridge is stopping: connect again once it is back; what was accepted is in the log")
}

/// Error for what the service refuses.
pub(super) fn refused(why: ServiceError) -> ErrorObjectOwned {
    match why {
        ServiceError::Invalid(invalid) => self::invalid(&invalid),
        why => door::refused(&why),
    }
}

/// Error for a request that makes no sense.
pub(super) fn invalid(invalid: &Invalid) -> ErrorObjectOwned {
    let message = match invalid {
        Invalid::Prompt => "`prompt` is not an array".to_owned(),
        other => other.to_string(),
    };
    param(invalid.member(), message)
}

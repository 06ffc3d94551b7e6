//! Errors between the typed layer and those who use it.

use acp_types::error::error;
use acp_types::v1::ProtocolVersion;
use acp_types::{ErrorCode, ErrorObjectOwned, FrameError, RawError};

use crate::driver::Closed;

/// Answer of a handler: its result, or the error object that goes to the peer.
///
/// [`CallError`] converts, so `?` passes on what the peer of a nested call said.
pub type Answer<T> = Result<T, ErrorObjectOwned>;

/// A call to the peer that has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The peer answered with an error, kept as received.
    #[error("{method} was refused: {error}")]
    Refused {
        /// The method called.
        method: String,
        /// The peer's error.
        error: RawError,
    },
    /// The peer's answer was not a valid message.
    #[error("the answer to {method} is not a valid message: {error}")]
    Invalid {
        /// The method called.
        method: String,
        /// The fault in it.
        error: FrameError,
    },
    /// The peer's answer does not have the shape of the method's result.
    #[error("the answer to {method} cannot be read: {source}")]
    Decode {
        /// The method called.
        method: String,
        /// The fault in it.
        #[source]
        source: serde_json::Error,
    },
    /// Our own params cannot be written as JSON. Nothing was sent.
    #[error("the params of {method} cannot be written: {source}")]
    Encode {
        /// The method called.
        method: String,
        /// The fault in them.
        #[source]
        source: serde_json::Error,
    },
    /// The connection closed first. Whether the peer acted on the call is unknown.
    #[error("the connection closed before {method} was answered: the peer may or may not have acted on it")]
    Closed {
        /// The method called.
        method: String,
    },
    /// The agent answered `initialize` with a version that these calls do not speak. The connection is closed.
    #[error("the agent speaks version {version} of ACP, and this client version 1: the connection was closed")]
    Version {
        /// The version in the agent's answer.
        version: ProtocolVersion,
    },
    /// Too many calls wait for an answer. Nothing was sent.
    #[error("{limit} calls wait for an answer already: wait for one of them before {method}")]
    TooMany {
        /// The method called.
        method: String,
        /// [`Limits::max_outgoing`](crate::proto::Limits::max_outgoing).
        limit: usize,
    },
}

impl From<CallError> for ErrorObjectOwned {
    fn from(failed: CallError) -> Self {
        match failed {
            CallError::Refused { error, .. } => error.to_object(),
            other => error(ErrorCode::INTERNAL_ERROR, other.to_string(), None),
        }
    }
}

impl From<Closed> for ErrorObjectOwned {
    fn from(closed: Closed) -> Self {
        error(ErrorCode::INTERNAL_ERROR, closed.to_string(), None)
    }
}

/// The answer to a method that is not served.
pub(crate) fn method_not_found(method: &str) -> ErrorObjectOwned {
    error(ErrorCode::METHOD_NOT_FOUND, format!("method not found: {method}"), None)
}

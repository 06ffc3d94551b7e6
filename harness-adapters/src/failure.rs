//! Failures of requests of a client.

use acp_types::error::error;
use acp_types::{ErrorCode, ErrorObjectOwned, RawBuf};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Kind of a failure. It decides the JSON-RPC error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The user has to log in first (ACP `auth_required`, -32000).
    AuthRequired,
    /// The client asked for something that cannot be (-32602).
    InvalidParams,
    /// The client asked for something that this harness does not have, and that was not offered (-32601).
    Unsupported,
    /// A session or file that is not there (-32002).
    NotFound,
    /// The harness cannot be run here: missing, too old, refusing its user (-32603).
    Unavailable,
    /// The model or its provider failed (-32603).
    Model,
    /// The harness broke off or broke its own protocol (-32603).
    Harness,
}

/// A failure as the client sees it. `message` says what happened and what to do, `data` has the cause.
///
/// Neither may hold credentials or prompts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Failure {
    /// Decides the error code.
    pub kind: FailureKind,
    /// Text for people: what happened, to what, what to do next.
    pub message: String,
    /// Data for programs: the error object's `data`, besides `kind`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub data: Map<String, Value>,
}

impl Failure {
    /// A failure without data.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), data: Map::new() }
    }

    /// Adds one member of `data`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.data.insert(key.to_owned(), value.into());
        self
    }
}

impl From<Failure> for ErrorObjectOwned {
    fn from(failure: Failure) -> Self {
        let code = match failure.kind {
            FailureKind::AuthRequired => ErrorCode::AUTH_REQUIRED,
            FailureKind::InvalidParams => ErrorCode::INVALID_PARAMS,
            FailureKind::Unsupported => ErrorCode::METHOD_NOT_FOUND,
            FailureKind::NotFound => ErrorCode::RESOURCE_NOT_FOUND,
            FailureKind::Unavailable | FailureKind::Model | FailureKind::Harness => ErrorCode::INTERNAL_ERROR,
        };
        let mut data = failure.data;
        data.insert("kind".to_owned(), serde_json::to_value(failure.kind).unwrap_or(Value::Null));
        error(code, failure.message, RawBuf::encode(&data).ok())
    }
}

//! JSON-RPC error objects: open codes, constructors, and received errors kept as received.

use std::borrow::Cow;
use std::fmt;

pub use jsonrpsee_types::{ErrorObject, ErrorObjectOwned};
use serde::{Deserialize, Serialize};

use crate::{Raw, RawBuf, RawKind};

/// The code of a JSON-RPC error object. Open: any integer may arrive, an unknown one is a generic failure
/// (ACP v1, "Error Handling").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[expect(clippy::exhaustive_structs, reason = "an open newtype over the number on the wire")]
pub struct ErrorCode(pub i32);

impl ErrorCode {
    /// The text is not JSON (JSON-RPC 2.0, section 5.1).
    pub const PARSE_ERROR: Self = Self(-32700);
    /// The JSON is not a valid request, or not one that is allowed now.
    pub const INVALID_REQUEST: Self = Self(-32600);
    /// No such method, or its capability was not advertised.
    pub const METHOD_NOT_FOUND: Self = Self(-32601);
    /// The params do not fit the method.
    pub const INVALID_PARAMS: Self = Self(-32602);
    /// Something failed on the answering side.
    pub const INTERNAL_ERROR: Self = Self(-32603);
    /// The agent must be authenticated first (ACP).
    pub const AUTH_REQUIRED: Self = Self(-32000);
    /// No such session, file or terminal (ACP).
    pub const RESOURCE_NOT_FOUND: Self = Self(-32002);
    /// The request was stopped by `$/cancel_request` (ACP).
    pub const REQUEST_CANCELLED: Self = Self(-32800);
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<i32> for ErrorCode {
    fn from(code: i32) -> Self {
        Self(code)
    }
}

impl From<ErrorCode> for i32 {
    fn from(code: ErrorCode) -> Self {
        code.0
    }
}

/// Makes an error object. `message` is one sentence for the peer's user; details for programs go to `data`.
#[must_use]
pub fn error(code: ErrorCode, message: impl Into<String>, data: Option<RawBuf>) -> ErrorObjectOwned {
    ErrorObject::owned(code.0, message, data)
}

/// An error object as a peer sent it: unknown members, number formats and key order included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawError(RawBuf);

/// JSON that is not an error object: it needs an integer `code` and a string `message`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON-RPC error object: it needs an integer `code` and a string `message`")]
#[non_exhaustive]
pub struct InvalidError;

impl RawError {
    /// Takes an error object.
    ///
    /// # Errors
    /// Without an integer `code` and a string `message`.
    pub fn new(raw: RawBuf) -> Result<Self, InvalidError> {
        if is_error_object(raw.as_raw()) { Ok(Self(raw)) } else { Err(InvalidError) }
    }

    /// The object as received.
    #[must_use]
    pub fn as_raw(&self) -> Raw<'_> {
        self.0.as_raw()
    }

    /// The object as received.
    #[must_use]
    pub fn into_raw(self) -> RawBuf {
        self.0
    }

    /// Its code. One that exceeds 32 bits, which no specification allows, reads as [`ErrorCode::INTERNAL_ERROR`].
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        let code = self.as_raw().member("code").and_then(|code| code.as_str().parse().ok());
        code.map_or(ErrorCode::INTERNAL_ERROR, ErrorCode)
    }

    /// Its message.
    #[must_use]
    pub fn message(&self) -> Cow<'_, str> {
        self.as_raw().member("message").and_then(Raw::as_string).unwrap_or_default()
    }

    /// Its data, if any.
    #[must_use]
    pub fn data(&self) -> Option<Raw<'_>> {
        self.as_raw().member("data")
    }

    /// The typed form, without unknown members.
    #[must_use]
    pub fn to_object(&self) -> ErrorObjectOwned {
        error(self.code(), self.message(), self.data().map(Raw::to_owned))
    }
}

impl From<&ErrorObjectOwned> for RawError {
    fn from(object: &ErrorObjectOwned) -> Self {
        let mut text = String::with_capacity(crate::frame::error_len(object));
        crate::frame::push_error(&mut text, object);
        Self(RawBuf::trusted(text))
    }
}

impl fmt::Display for RawError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", self.message(), self.code())
    }
}

impl std::error::Error for RawError {}

/// True if a value has the members that every JSON-RPC error object must have.
pub(crate) fn is_error_object(raw: Raw<'_>) -> bool {
    let [code, message] = raw.pick(["code", "message"]);
    let integer = |raw: Raw<'_>| raw.kind() == RawKind::Number && !raw.as_str().contains(['.', 'e', 'E']);
    code.is_some_and(integer) && message.is_some_and(|message| message.kind() == RawKind::String)
}

#[cfg(test)]
mod tests {
    use super::{ErrorCode, RawError, error};
    use crate::RawBuf;

    #[test]
    fn a_received_error_keeps_its_bytes_and_can_be_read() {
        let text = r#"{"message":"no \u0041","extra":1e2,"code":4711,"data":{"a": 1}}"#;
        let received = RawError::new(RawBuf::parse(text).unwrap()).unwrap();
        assert_eq!(received.as_raw().as_str(), text);
        assert_eq!(received.code(), ErrorCode(4711));
        let object = received.to_object();
        assert_eq!((object.code(), object.message()), (4711, "no A"));
        assert_eq!(object.data().unwrap().get(), r#"{"a": 1}"#);
    }

    #[test]
    fn an_error_without_code_or_message_is_refused() {
        for text in [
            "{}",
            r#"{"code":1}"#,
            r#"{"message":"a"}"#,
            r#"{"code":1.5,"message":"a"}"#,
            r#"{"code":1,"message":2}"#,
            "1",
        ] {
            assert!(RawError::new(RawBuf::parse(text).unwrap()).is_err(), "{text}");
        }
    }

    #[test]
    fn our_errors_are_written_as_serde_writes_them() {
        let data = RawBuf::parse(r#"{"sessionId":"a"}"#).unwrap();
        for object in [
            error(ErrorCode::RESOURCE_NOT_FOUND, "no \"such\"\nthing", Some(data)),
            error(ErrorCode::INTERNAL_ERROR, "", None),
        ] {
            let raw = RawError::from(&object);
            assert_eq!(raw.as_raw().as_str(), serde_json::to_string(&object).unwrap());
        }
    }
}

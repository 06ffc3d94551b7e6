//! Errors of bytes that are no message, and what to answer.

use crate::error::{ErrorCode, ErrorObjectOwned, error};
use crate::{RawKind, RequestId};

/// A message that was refused: why, and to whom the answer goes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct FrameError {
    pub(super) kind: FrameErrorKind,
    pub(super) id: Option<RequestId>,
    pub(super) shape: Shape,
    /// It has `jsonrpc`, or an id and a member that needs one.
    pub(super) marked: bool,
}

/// The kind of a refused message, as far as it could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Response,
    Notification,
    /// A method was called.
    Call,
    Unknown,
}

/// Reason why a message was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameErrorKind {
    /// Not UTF-8.
    #[error("the message is not UTF-8 at byte {offset}")]
    NotUtf8 {
        /// The first bad byte.
        offset: usize,
    },
    /// Not JSON, or cut off.
    #[error("the message is not valid JSON at byte {offset}")]
    Syntax {
        /// The first byte that does not fit; the length of the message when it was cut off.
        offset: usize,
    },
    /// A second value after the first.
    #[error("the message goes on after its end at byte {offset}: send one message per line or frame")]
    TrailingData {
        /// Where the surplus begins.
        offset: usize,
    },
    /// Over [`super::Limits::max_bytes`].
    #[error("the message has {bytes} bytes, the limit is {limit}: send it in smaller parts")]
    TooLarge {
        /// Its length as far as known.
        bytes: usize,
        /// The limit in force.
        limit: usize,
    },
    /// Over [`super::Limits::max_depth`].
    #[error("the message is nested deeper than {limit} levels at byte {offset}: send a flatter one")]
    TooDeep {
        /// Where the first level too many opens.
        offset: usize,
        /// The limit in force.
        limit: usize,
    },
    /// A JSON-RPC batch; ACP has none.
    #[error("the message is a batch, which ACP does not have: send each message by itself")]
    Batch,
    /// JSON, but not an object.
    #[error("the message is a JSON {0:?}, not an object")]
    NotAnObject(RawKind),
    /// A member that JSON-RPC defines stands there twice.
    #[error("the message has more than one `{0}`")]
    Duplicate(&'static str),
    /// `jsonrpc` is missing or not `"2.0"`.
    #[error("the message has no `\"jsonrpc\":\"2.0\"`")]
    BadVersion,
    /// The id is neither string nor integer; `null` is one only in an error response.
    #[error("the message's `id` is neither a string nor an integer")]
    BadId,
    /// A response without id.
    #[error("the response has no `id`")]
    MissingId,
    /// `method` is not a string.
    #[error("the message's `method` is not a string")]
    BadMethod,
    /// Neither `method` nor `result` nor `error`.
    #[error("the message has neither `method` nor `result` nor `error`")]
    Nothing,
    /// `params` is neither object nor array nor null.
    #[error("the message's `params` are neither an object nor an array")]
    BadParams,
    /// `method` together with `result` or `error`, or both of those.
    #[error("the message has more than one of `method`, `result` and `error`")]
    Ambiguous,
    /// `error` lacks an integer `code` or a string `message`.
    #[error("the response's `error` lacks an integer `code` or a string `message`")]
    BadError,
}

impl FrameError {
    /// Why.
    #[must_use]
    pub const fn kind(&self) -> FrameErrorKind {
        self.kind
    }

    /// The id of the refused message, when it was readable. Text that is not JSON has none.
    #[must_use]
    pub const fn id(&self) -> Option<&RequestId> {
        self.id.as_ref()
    }

    /// True if the message looks like an answer. If it has an id, the request that it belongs to has failed.
    #[must_use]
    pub const fn is_response_like(&self) -> bool {
        matches!(self.shape, Shape::Response)
    }

    /// True if the peer should get [`FrameError::answer`]: not for answers, and not for well-formed notifications
    /// with unusable params, which JSON-RPC never answers.
    #[must_use]
    pub const fn wants_answer(&self) -> bool {
        matches!(self.shape, Shape::Call | Shape::Unknown)
    }

    /// True if it looks like a message at all: it has `jsonrpc`, or an id beside a method, a result or an error. What a
    /// program prints besides its messages, a banner or a line of its log, does not.
    #[must_use]
    pub const fn is_message_like(&self) -> bool {
        self.marked
    }

    /// True if it calls a method with a readable id: somebody waits for the answer.
    #[must_use]
    pub fn is_request_like(&self) -> bool {
        self.id.is_some() && matches!(self.shape, Shape::Call)
    }

    /// The error to send back, under [`FrameError::id`] or else under a null id.
    #[must_use]
    pub fn answer(&self) -> ErrorObjectOwned {
        let code = match self.kind {
            FrameErrorKind::NotUtf8 { .. } | FrameErrorKind::Syntax { .. } | FrameErrorKind::TrailingData { .. } => {
                ErrorCode::PARSE_ERROR
            }
            FrameErrorKind::BadParams => ErrorCode::INVALID_PARAMS,
            _ => ErrorCode::INVALID_REQUEST,
        };
        error(code, self.kind.to_string(), None)
    }
}

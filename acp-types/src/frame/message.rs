//! A message, and the bounds on one.

use std::borrow::Cow;

use crate::{Id, Raw};

/// Bounds on one message. One that exceeds a bound is refused with a [`FrameError`](super::FrameError); nothing is ever cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers write it out; a new bound is a breaking change on purpose")]
pub struct Limits {
    /// Bytes of the whole message, without line ending. 16 MiB by default.
    pub max_bytes: usize,
    /// Nested arrays and objects, the message itself included. 128 by default, which is also the most that can be
    /// had ([`crate::MAX_DEPTH`]).
    pub max_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 16 * 1024 * 1024, max_depth: crate::MAX_DEPTH }
    }
}

/// One valid JSON-RPC message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "JSON-RPC has these three and no more")]
pub enum Frame<'a> {
    /// Wants an answer.
    Request(Request<'a>),
    /// Wants none.
    Notification(Notification<'a>),
    /// Is one.
    Response(Response<'a>),
}

/// A call that wants an answer with the same id.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "JSON-RPC's own members")]
pub struct Request<'a> {
    /// Never null.
    pub id: Id<'a>,
    /// Method name.
    pub method: Cow<'a, str>,
    /// An object or array. `"params": null`, which many peers send for "none", reads as absent.
    pub params: Option<Raw<'a>>,
}

/// A call that wants no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "JSON-RPC's own members")]
pub struct Notification<'a> {
    /// Method name.
    pub method: Cow<'a, str>,
    /// An object or array. `"params": null` reads as absent.
    pub params: Option<Raw<'a>>,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "JSON-RPC's own members")]
pub struct Response<'a> {
    /// Id of the request; null when its sender could not read the id of what it answers.
    pub id: Id<'a>,
    /// The result, any JSON; or the error object, which has an integer `code` and a string `message`.
    pub outcome: Result<Raw<'a>, Raw<'a>>,
}

impl<'a> Frame<'a> {
    /// The method, of anything but a response.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        match self {
            Self::Request(request) => Some(&request.method),
            Self::Notification(notification) => Some(&notification.method),
            Self::Response(_) => None,
        }
    }

    /// The id, of anything but a notification.
    #[must_use]
    pub fn id(&self) -> Option<Id<'a>> {
        match self {
            Self::Request(request) => Some(request.id),
            Self::Notification(_) => None,
            Self::Response(response) => Some(response.id),
        }
    }
}

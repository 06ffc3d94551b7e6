//! One row of the method table, and the words of its columns.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Raw;

/// A version of the protocol that this crate knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Version {
    /// ACP v1.
    V1,
    /// The ACP v2 draft.
    V2,
}

/// Side that handles a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a connection has two sides")]
pub enum Direction {
    /// Clients send it, agents handle it.
    ToAgent,
    /// Agents send it, clients handle it.
    ToClient,
    /// Either side may send it.
    Both,
}

/// Request or notification: tells if a method has an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "JSON-RPC has these two and no more")]
pub enum Call {
    /// Answered once.
    Request,
    /// Never answered.
    Notification,
}

/// Subject of a call; it decides how the call is routed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// The whole connection.
    Connection,
    /// The session that `sessionId` in the params names.
    Session,
    /// The session that `sessionId` names, or without one the whole connection.
    SessionOrConnection,
    /// The session that `sessionId` names, or without one the request that `requestId` names.
    SessionOrRequest,
    /// The request that `requestId` names.
    Request,
}

/// Stability of a method within its version. The v2 draft may change as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stability {
    /// Part of the specification.
    Stable,
    /// Proposed; may change or go.
    Unstable,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Method {
    /// Name on the wire. With `call` it names the row: `mcp/message` and `proxy/successor` are both kinds of call.
    pub name: &'static str,
    /// Request or notification.
    pub call: Call,
    /// Side that handles it.
    pub direction: Direction,
    /// Its subject.
    pub scope: Scope,
    /// Its stability.
    pub stability: Stability,
    /// Name of the params type in the schema.
    pub params: &'static str,
    /// Name of the result type in the schema; `None` for notifications.
    pub output: Option<&'static str>,
}

/// A request and its types. Implemented by the empty types of [`v1`](super::v1) and `v2`.
pub trait Request {
    /// Its row in the table.
    const METHOD: Method;
    /// Its params.
    type Params: Serialize + DeserializeOwned + Send + 'static;
    /// Its result.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// Decodes a result. `null`, which peers send for results without required members, reads as `{}`.
    ///
    /// # Errors
    /// When it does not have the shape of the result.
    fn decode_output(raw: Raw<'_>) -> serde_json::Result<Self::Output> {
        if raw.is_null() { Raw::EMPTY_OBJECT.decode() } else { raw.decode() }
    }
}

/// A notification and its params. Implemented by the empty types of [`v1`](super::v1) and `v2`.
pub trait Notification {
    /// Its row in the table.
    const METHOD: Method;
    /// Its params.
    type Params: Serialize + DeserializeOwned + Send + 'static;
}

//! What a subscription delivers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ErrorObjectOwned;
use crate::record::{Record, Seq};

/// One notification of a subscription: an object with one member, which says what it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum Event {
    /// The next records, at least one, in order and without gaps. The cursor is now the seq of the last.
    Records(Vec<Arc<Record>>),
    /// All records up to the head at the time of subscribing have been delivered: what follows is live. Comes once.
    CaughtUp(CaughtUp),
    /// The session's host could not write its log: what the agent did since is lost. The subscription goes on.
    Fault(Fault),
    /// The last: the server ends the subscription.
    Closed(Closed),
}

/// Between history and live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct CaughtUp {
    /// The cursor at which history ended.
    pub seq: Seq,
}

/// The log could not be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct Fault {
    /// The failure, and what to do next.
    pub reason: String,
}

/// Why a subscription ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct Closed {
    /// A JSON-RPC error code: -32002 the session was deleted, -32602 the records after the cursor are no longer kept,
    /// -32603 the log cannot be read or the bridge is stopping.
    pub code: i32,
    /// The failure, and what to do next.
    pub message: String,
    /// As in the data of an error: see [`Details`](super::Details).
    #[serde(default, skip_serializing_if = "super::Details::is_empty")]
    pub data: super::Details,
    /// Subscribe again from the last cursor once the bridge is back: nothing is wrong with the session.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopping: bool,
}

impl Closed {
    /// From the error that a request would have had.
    #[must_use]
    pub fn because(error: &ErrorObjectOwned) -> Self {
        let data = super::Details::of(error);
        Self { code: error.code(), message: error.message().to_owned(), data, stopping: false }
    }
}

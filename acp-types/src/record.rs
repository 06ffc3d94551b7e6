//! Session-log records: the immutable entries that a host appends and that every reader sees in one order.
//!
//! A record's `body` is typed per kind in [`body`]; for kinds that carry ACP traffic to clients it is the
//! frame's `params` exactly as it goes on the wire. The set of kinds is open: a reader skips what it does not know.

pub mod body;
mod kind;
mod origin;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use kind::Kind;
pub use origin::Origin;

use crate::RawBuf;

/// Position of a record in its session's log: 1, 2, 3 … without gaps. `0` is the cursor before the first record.
pub type Seq = u64;

/// Number of times that a host has taken ownership of a session; appends of an older epoch fail.
pub type Epoch = u64;

/// A turn is named by the seq of the `prompt_queued` record that accepted its prompt.
pub type Turn = Seq;

/// One immutable entry of a session's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Record {
    /// Position in the session, from 1, without gaps.
    pub seq: Seq,
    /// When the host made it: microseconds since the Unix epoch, UTC.
    pub at: u64,
    /// The ownership period of the host that wrote it.
    pub epoch: Epoch,
    /// The agent inside the session that it belongs to; `main` unless more agents joined.
    pub lane: Arc<str>,
    /// Who caused it.
    pub origin: Origin,
    /// Kind of the record; decides the type of `body`.
    pub kind: Kind,
    /// The turn that it belongs to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
    /// With a lane whose agent is connected over a link: the number of the agent's message that the record comes from.
    /// The host has not taken in messages with a higher number than that of all records since the agent's `agent_started`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Typed per kind, see [`body`].
    pub body: RawBuf,
}

impl Record {
    /// The lane of a session's first agent.
    pub const MAIN_LANE: &'static str = "main";

    /// Decodes the body as `T`, one of the types in [`body`].
    ///
    /// # Errors
    /// When the body does not have that shape: a log written by another version, or the wrong `T` for the kind.
    pub fn decode<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        self.body.as_raw().decode()
    }

    /// Bytes this record takes in memory and on disk, roughly: for limits, not for accounting.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.body.as_str().len() + 64
    }
}

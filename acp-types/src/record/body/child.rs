//! Child sessions of agents.

use serde::{Deserialize, Serialize};

use crate::{RawBuf, SessionId};

/// `child_updated`: an agent has announced a child session, or says something else of one. The `session/update` that tells
/// clients follows as an `update` record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChildUpdated {
    /// The child's id as clients know it: that of the session, `~`, and the seq of the record that announced it. Records
    /// of the child are in the same log, and their `sessionId` is this.
    pub session: SessionId,
    /// The agent's own id of it, in the record that announces it. It never leaves the host: clients see the record without
    /// it, so that a child which was imported from what a client exported has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_session: Option<String>,
    /// The child session that it is a child of, in the record that announces it; absent: the session itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SessionId>,
    /// Members of `subagent_update` that are said of it: an absent one is as before, `null` clears it. What is long is cut,
    /// and what ACP does not define is left out; the `update` record has all.
    pub changed: RawBuf,
}

/// `child_cancel_requested`: somebody wants the work of a child session to stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChildCancelRequested {
    /// The child's id as clients know it.
    pub session: SessionId,
    /// Why, in the client's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

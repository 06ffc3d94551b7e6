//! Sessions and their records, as the API shows them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::record::body::SessionDisarmed;
use crate::record::{Epoch, Record, Seq, Turn};
use crate::{RawBuf, SessionId};

/// A session that was just started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct Created {
    /// Its id.
    pub session: SessionId,
    /// The agent's `session/new` result, with that id: modes, options.
    pub result: RawBuf,
}

/// A session as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct Session {
    /// Its id.
    pub session: SessionId,
    /// Working directory, absolute.
    pub cwd: String,
    /// Its title, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// When its first record was made: microseconds since the Unix epoch, UTC.
    pub created_at: u64,
    /// When its newest record was made.
    pub updated_at: u64,
    /// Number of times that a host has taken the session.
    pub epoch: Epoch,
    /// Its newest record: the largest cursor.
    pub head: Seq,
    /// The smallest cursor from which nothing is missing.
    pub oldest: Seq,
    /// Turns that were accepted and have not ended.
    pub open_turns: u64,
}

/// Sessions, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct Page {
    /// At most as many as were asked for.
    pub sessions: Vec<Session>,
    /// The `after` of the next page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<SessionId>,
}

/// State of a session at the head of its log: enough to show it without reading its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct SessionView {
    /// As in a listing. Subscribe after its `head` to get what has happened since.
    pub info: Session,
    /// The turn that the agent works on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Turn>,
    /// Accepted turns that wait, in the order in which they will run.
    pub queued: Vec<Turn>,
    /// Requests of the agent that wait for an answer, oldest first.
    pub pending: Vec<Pending>,
    /// Result that `session/load` of ACP would have: modes and options as they are now.
    pub state: RawBuf,
    /// True if it was closed and has not been used since.
    pub closed: bool,
    /// The session's own policy for times without a controller, see `session_set_policy`; absent: the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unattended: Option<String>,
    /// The session was written elsewhere, and what it says starts nothing, see `session_trust`; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disarmed: Option<SessionDisarmed>,
    /// The child sessions of its agents, in the order in which they were announced; each one's parent comes before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Child>,
}

/// A child session of an agent: a subagent that it has announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct Child {
    /// Its id: what records of it have as `sessionId`.
    pub session: SessionId,
    /// The child that it is a child of; absent: the session itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SessionId>,
    /// The lane of its agent.
    pub lane: String,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `state` of its work as its agent reports it: `running`, `requires_action`, `idle`; absent if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Why its work stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<String>,
    /// True if its agent lets clients cancel its work.
    pub cancellable: bool,
}

/// A request of the agent that waits for an answer: see `session_respond`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct Pending {
    /// Names it: the seq of its record.
    pub request: Seq,
    /// Its ACP method.
    pub method: Arc<str>,
    /// Its params; absent when the agent sent none.
    #[serde(default, deserialize_with = "crate::present", skip_serializing_if = "Option::is_none")]
    pub params: Option<RawBuf>,
    /// The turn in which the agent asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
}

/// Records after a cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct Records {
    /// In order, without gaps; empty at the head.
    pub records: Vec<Arc<Record>>,
    /// The newest record of the session when they were read.
    pub head: Seq,
}

/// A piece of a session's export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct Exported {
    /// Whole lines, each with its end, as text and not as values: so no number loses a digit on its way through a program.
    /// Put behind each other, the pages are a file that `acp-bridge import` takes.
    pub lines: String,
    /// The `page` of the next page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Where a session's log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct Head {
    /// Its newest record.
    pub head: Seq,
}

/// The bridge that is about to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct Stopping {
    /// Its process id, where it runs.
    pub process: u32,
}

/// Tells if there was a session to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct Deleted {
    /// `false` when there was no such session.
    pub deleted: bool,
}

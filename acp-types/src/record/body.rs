//! The body of each kind of record.
//!
//! `update` and `permission_requested` have no type here: their body is the ACP `params` as it goes on the wire.

mod child;
mod choice;
mod link;
mod outcome;
mod queue;
mod trust;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use child::{ChildCancelRequested, ChildUpdated};
pub use choice::{Choice, ChoicesRestored, LostChoice};
pub use link::AgentLink;
pub use outcome::Outcome;
pub use queue::{PromptEdited, PromptMoved, PromptSteered, Steer};
pub use trust::{SessionDisarmed, SessionTrusted};

use super::Seq;
use crate::RawBuf;

/// `session_created`: what is needed to open the session again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionCreated {
    /// Working directory, absolute.
    pub cwd: String,
    /// The `session/new` params without `_meta`, and with no more of each MCP server than its `name`, its `transport`
    /// and a `fingerprint` that equal definitions have in common. Logs of earlier versions may have more; nothing is
    /// started from it.
    pub params: RawBuf,
    /// True if something was removed from `params`, so that they do not suffice to start the agent's MCP servers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redacted: bool,
    /// The `initialize` params given to the agent on behalf of the client that made the session.
    pub initialize: RawBuf,
    /// The session's policy for times without a controller, as `meta::Unattended` is written; absent: the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unattended: Option<String>,
    /// The agent of `main` is not started by the host: it dials in, now and again later. Until it does the session has none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dialled: bool,
}

/// `session_updated`: only the members that changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionUpdated {
    /// New title; an empty one clears it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// New `currentModeId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// New `configOptions`, the whole list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_options: Option<RawBuf>,
    /// Choice of a client that the agent accepted. It is set again whenever the agent is started again, in the order of
    /// these records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Choice>,
    /// New policy for times without a controller, as `meta::Unattended` is written; an empty one means the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unattended: Option<String>,
}

/// Way in which an agent process came to serve the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum Start {
    /// `session/new` of a new session.
    New,
    /// `session/load`; the agent's own replay was suppressed.
    Load,
    /// `session/resume`.
    Resume,
    /// `session/new` for a session that has history: the agent has forgotten it, and that was accepted.
    ContextLost,
}

/// `agent_started`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentStarted {
    /// The agent's own session id. It never leaves the host: clients see the record without it, so that a session which
    /// was imported from what a client exported has none until its agent starts anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_session: Option<String>,
    /// Way in which it came to serve the session.
    pub start: Start,
    /// The agent's `initialize` result.
    pub initialize: RawBuf,
    /// The agent's result of `session/new`, `session/load` or `session/resume`. Clients see it without its `sessionId`.
    pub state: RawBuf,
    /// Link of an agent that is not a child of the bridge and may outlive it; absent for a child.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<AgentLink>,
}

/// `agent_exited`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentExited {
    /// One sentence: exit status, signal, or what the bridge did and why.
    pub reason: String,
    /// True if the bridge stopped it.
    pub expected: bool,
}

/// `prompt_queued`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PromptQueued {
    /// The client's key: the same key never starts a second turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The `session/prompt` params as the client sent them, with the session's id as clients know it.
    pub params: RawBuf,
    /// The client accepts that the agent may have forgotten the conversation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accept_context_loss: bool,
    /// It goes before all that wait.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first: bool,
    /// It need not wait for a client if the bridge is started again before it ran.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub runs_after_restart: bool,
}

/// `turn_started`. The user's message follows as `update` records, one for each content block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TurnStarted {}

/// `request`: an agent-to-client request that is not a permission request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Requested {
    /// The ACP or extension method.
    pub method: String,
    /// Its params as they go on the wire; absent when the agent sent none.
    #[serde(default, deserialize_with = "crate::present", skip_serializing_if = "Option::is_none")]
    pub params: Option<RawBuf>,
}

/// `permission_resolved` and `response`: the one answer that the agent gets. Exactly one of `result` and `error`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resolved {
    /// Seq of the request that it answers.
    pub request: Seq,
    /// The JSON-RPC result.
    #[serde(default, deserialize_with = "crate::present", skip_serializing_if = "Option::is_none")]
    pub result: Option<RawBuf>,
    /// The JSON-RPC error object.
    #[serde(default, deserialize_with = "crate::present", skip_serializing_if = "Option::is_none")]
    pub error: Option<RawBuf>,
    /// Why, when not by a client's own answer: `cancelled`, `agent_exited`, `withdrawn`, `recovered`, `policy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// With cause `policy`: which, as `meta::Unattended` is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// `cancel_requested`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CancelRequested {
    /// Why, in the client's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `lane_joined`: an agent more in the session. Its `agent_started` follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LaneJoined {
    /// The launch profile by which its agent is started, now and again later; or what an agent that dials in calls itself.
    pub agent: String,
    /// Who added it, when it was a client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Arc<str>>,
    /// The agent is not started by the host: it dials in, now and again later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dialled: bool,
}

/// `lane_left`. Every turn and request of the lane has had its end before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LaneLeft {
    /// One sentence.
    pub reason: String,
}

/// `extension`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Extension {
    /// The notification's method; begins with `_`.
    pub method: String,
    /// Its params as they go on the wire.
    #[serde(default, deserialize_with = "crate::present", skip_serializing_if = "Option::is_none")]
    pub params: Option<RawBuf>,
}

/// `session_closed`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionClosed {
    /// Who closed it, when it was a client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Arc<str>>,
}

//! Bodies of frames that are no messages.

use acp_types::{RequestId, SessionId};
use serde::{Deserialize, Serialize};

/// Identity of a dialler, and what it has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::exhaustive_structs, reason = "both ends are ours, and the version says which this is")]
pub struct Hello {
    /// [`super::VERSION`] of the dialler.
    pub version: u32,
    /// Names the process that dials; the same one has the same name on each of its sockets.
    pub dialler: String,
    /// The session that its agent serves, unless that is not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The lane there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// Name of the agent, for people.
    pub agent: String,
    /// Time that the agent goes on without a host, in milliseconds.
    pub keep_ms: u64,
    /// True if it ends with its agent and starts no second one.
    #[serde(default)]
    pub once: bool,
    /// The agent that it has, by the name that a host gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// True if it has no agent, or not yet: nobody has told it to start one.
    #[serde(default)]
    pub idle: bool,
    /// Number of the last message of the host that the agent has been given.
    #[serde(default)]
    pub received: u64,
    /// Number of the last message that a host has acknowledged: what the agent said since then can be sent again.
    #[serde(default)]
    pub acknowledged: u64,
    /// Requests of the host that the agent has been given and whose answer no host has acknowledged.
    #[serde(default)]
    pub calls: Vec<Calling>,
    /// Requests of the agent that have no answer.
    #[serde(default)]
    pub asked: Vec<Asked>,
}

/// A request of a host to its agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "as Hello")]
pub struct Calling {
    /// Its id.
    pub id: RequestId,
    /// Its method.
    pub method: String,
    /// The number of the message that answers it, if it is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<u64>,
}

/// A request of an agent to its host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "as Hello")]
pub struct Asked {
    /// The number of its message.
    pub number: u64,
    /// Its id.
    pub id: RequestId,
}

/// The agent goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "as Hello")]
pub struct Welcome {
    /// The agent.
    pub instance: String,
    /// Number of the last message that the host has of it.
    pub received: u64,
}

/// Start an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "as Hello")]
pub struct Start {
    /// Its name.
    pub instance: String,
    /// Services that the dialler gives it.
    pub serve: Serve,
}

/// Requests of the agent that are served next to it and never reach the host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "as Hello")]
pub struct Serve {
    /// `fs/*`.
    pub files: bool,
    /// `terminal/*`.
    pub terminals: bool,
}

/// The dialler is not wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "as Hello")]
pub struct Refused {
    /// One sentence.
    pub why: String,
    /// True if there is no use in coming again.
    #[serde(rename = "final")]
    pub is_final: bool,
}

/// Place that the agent serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "as Hello")]
pub struct Assign {
    /// The session.
    pub session: SessionId,
    /// The lane.
    pub lane: String,
}

/// Stop the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "as Hello")]
pub struct Stop {
    /// The agent.
    pub instance: String,
    /// At once, instead of politely.
    pub kill: bool,
}

/// The agent has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "as Hello")]
pub struct Exited {
    /// The agent.
    pub instance: String,
    /// Report on its end, to follow the words "the agent".
    pub report: String,
    /// The end of its stderr.
    pub stderr: String,
}

/// The host has heard of the end of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "as Hello")]
pub struct Gone {
    /// The agent.
    pub instance: String,
}

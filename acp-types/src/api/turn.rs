//! Turns, as the API shows them.

use serde::{Deserialize, Serialize};

use crate::meta::QueuedPrompt;
use crate::record::body::Outcome;
use crate::record::{Seq, Turn};

/// Handling of a prompt while the lane is busy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum OnBusy {
    /// It waits for its turn.
    #[default]
    Queue,
    /// It is refused.
    Reject,
    /// The running turn is cancelled, and it runs next.
    Interrupt,
    /// It goes into the running turn.
    Steer,
}

impl From<OnBusy> for crate::meta::OnBusy {
    fn from(on_busy: OnBusy) -> Self {
        match on_busy {
            OnBusy::Queue => Self::Queue,
            OnBusy::Reject => Self::Reject,
            OnBusy::Interrupt => Self::Interrupt,
            OnBusy::Steer => Self::Steer,
        }
    }
}

/// Scope of a cancel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum CancelScope {
    /// The turn that is named; else the one that runs, or is to run next.
    #[default]
    Turn,
    /// Everything that waits; what runs goes on.
    Queued,
    /// The running turn and all waiting prompts.
    All,
}

impl From<CancelScope> for crate::meta::CancelScope {
    fn from(scope: CancelScope) -> Self {
        match scope {
            CancelScope::Turn => Self::Turn,
            CancelScope::Queued => Self::Queued,
            CancelScope::All => Self::All,
        }
    }
}

/// Prompts that wait.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct Queue {
    /// Lane by lane, first to run first.
    pub queue: Vec<QueuedPrompt>,
}

/// A prompt was accepted: it will end in exactly one `turn_ended` record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct Accepted {
    /// Its turn, or the one that its key has started before.
    pub turn: Turn,
}

/// Result of waiting for a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct Waited {
    /// Which.
    pub turn: Turn,
    /// Seq of its `turn_ended`; absent when it still runs: wait again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// The body of that record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Outcome>,
}

/// Tells if an answer was the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct Answered {
    /// `false` when the request had its answer already; then this one reached nobody.
    pub counted: bool,
}

/// It is done, and on stable storage. Members may be added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct Done {}

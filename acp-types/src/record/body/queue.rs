//! What happens to a prompt between its acceptance and its turn.

use serde::{Deserialize, Serialize};

use crate::RawBuf;
use crate::record::Turn;

/// `prompt_edited`: the turn's prompt was given other content before it started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PromptEdited {
    /// The new content blocks, in place of `prompt` in the params.
    pub prompt: RawBuf,
}

/// `prompt_moved`: the turn has another place in its lane's queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PromptMoved {
    /// Right before this turn; absent: behind all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Turn>,
}

/// Progress of a message that is steered into a running turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum Steer {
    /// It is being given to the agent. What becomes of it is not known before the next record of this kind.
    Offered,
    /// The agent took it: it is part of the running turn and ends with it.
    Injected,
    /// The agent did not: it is the first of the queue now.
    Queued,
}

/// `prompt_steered`: the turn's message is to be a part of another turn, which runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PromptSteered {
    /// That turn.
    pub into: Turn,
    /// Its progress.
    pub steer: Steer,
}

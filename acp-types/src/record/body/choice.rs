//! What clients chose for an agent, and what becomes of it when the agent is started again.

use serde::{Deserialize, Serialize};

use crate::RawBuf;

/// A mode or an option that a client set and the agent accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Choice {
    /// `session/set_mode` or `session/set_config_option`.
    pub method: String,
    /// Its params without `sessionId` and `_meta`.
    pub params: RawBuf,
}

/// A choice that is not in force any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LostChoice {
    /// Which.
    pub choice: Choice,
    /// Why, in one sentence.
    pub reason: String,
}

/// `choices_restored`: an agent that was started again has been given what clients chose (P14).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChoicesRestored {
    /// Choices that were set again, in this order. Those that the agent already reported as in force were not set again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<Choice>,
    /// Choices that are no longer in force; every client is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<LostChoice>,
}

//! The agents of a session, as the API shows them.

use serde::{Deserialize, Serialize};

use crate::record::Turn;

/// The agents of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct Lanes {
    /// `main` first, then in the order in which they joined.
    pub lanes: Vec<Lane>,
}

/// One agent of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server, which is another crate")]
pub struct Lane {
    /// Its name.
    pub lane: String,
    /// The launch profile by which it joined; `main` has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Name that the agent gave itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// True if its process runs. Otherwise it is started when it is needed.
    pub alive: bool,
    /// The turn that it works on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
    /// Prompts that wait for it.
    pub queued: u64,
}

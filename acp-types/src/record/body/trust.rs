//! Sessions that somebody else may have written.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// `session_disarmed`: what stands before it was written elsewhere. It is shown, and starts nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionDisarmed {
    /// One sentence: where the session came from.
    pub reason: String,
    /// Settings that have no effect because they were written elsewhere: one line for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disarmed: Vec<String>,
}

/// `session_trusted`: a client has said that the lanes and the policy of the session are in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionTrusted {
    /// Who said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Arc<str>>,
}

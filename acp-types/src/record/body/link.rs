//! An agent that runs elsewhere.

use serde::{Deserialize, Serialize};

/// The link of an agent that dials in. It goes on when the bridge does not, and comes back to the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentLink {
    /// Names this run of the agent: one that was started anew has another.
    pub instance: String,
    /// Milliseconds without a bridge after which the agent is stopped where it runs.
    pub keep_ms: u64,
}

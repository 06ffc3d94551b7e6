//! Permissions of a thread: when Codex asks, whom, and what commands may do.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Approval policy: a word, or an object of switches.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Policy(pub(crate) Value);

/// The reviewer that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reviewer {
    #[default]
    User,
    AutoReview,
    #[serde(other)]
    Other,
}

/// Rights of commands, as a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Sandbox {
    ReadOnly,
    WorkspaceWrite,
    DangerFullAccess,
}

/// Rights of commands in detail. Unknown policies are kept unchanged.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SandboxPolicy(pub(crate) Value);

impl SandboxPolicy {
    pub(crate) fn word(&self) -> Option<Sandbox> {
        match self.0.get("type")?.as_str()? {
            "readOnly" => Some(Sandbox::ReadOnly),
            "workspaceWrite" => Some(Sandbox::WorkspaceWrite),
            "dangerFullAccess" => Some(Sandbox::DangerFullAccess),
            _ => None,
        }
    }
}

/// The profile that a thread works with.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ActiveProfile {
    pub(crate) id: String,
}

impl ActiveProfile {
    /// Its id, if it is one that the user has configured; Codex's own begin with a colon.
    pub(crate) fn configured(profile: Option<&Self>) -> Option<String> {
        profile.map(|profile| &profile.id).filter(|id| !id.starts_with(':')).cloned()
    }
}

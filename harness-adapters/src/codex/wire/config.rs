//! What the user has configured, as Codex puts it together for a directory.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{Policy, Reviewer, Sandbox, SandboxPolicy, nullable};

/// The answer to `config/read`.
#[derive(Debug, Deserialize)]
pub(in crate::codex) struct ConfigRead {
    pub(in crate::codex) config: Config,
    /// Where each setting comes from.
    #[serde(default, deserialize_with = "nullable")]
    pub(in crate::codex) origins: BTreeMap<String, Origin>,
}

/// The part of it that decides how sessions begin.
#[derive(Debug, Default, Deserialize)]
pub(in crate::codex) struct Config {
    #[serde(default)]
    pub(in crate::codex) approval_policy: Option<Policy>,
    #[serde(default, deserialize_with = "known")]
    pub(in crate::codex) approvals_reviewer: Option<Reviewer>,
    #[serde(default, deserialize_with = "known")]
    pub(in crate::codex) sandbox_mode: Option<Sandbox>,
    #[serde(default)]
    pub(in crate::codex) sandbox_workspace_write: Option<Workspace>,
    /// The permission profile that is in force.
    #[serde(default)]
    pub(in crate::codex) default_permissions: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(in crate::codex) mcp_servers: BTreeMap<String, Value>,
}

/// The table `[sandbox_workspace_write]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::codex) struct Workspace {
    pub(in crate::codex) writable_roots: Vec<String>,
    pub(in crate::codex) network_access: bool,
    pub(in crate::codex) exclude_tmpdir_env_var: bool,
    pub(in crate::codex) exclude_slash_tmp: bool,
}

impl Workspace {
    /// As the sandbox of a thread.
    pub(in crate::codex) fn policy(&self) -> SandboxPolicy {
        SandboxPolicy(json!({
            "type": "workspaceWrite",
            "writableRoots": self.writable_roots,
            "networkAccess": self.network_access,
            "excludeTmpdirEnvVar": self.exclude_tmpdir_env_var,
            "excludeSlashTmp": self.exclude_slash_tmp,
        }))
    }
}

/// A word that nobody knows counts as none.
fn known<'de, T: serde::de::DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

/// Where a setting comes from.
#[derive(Debug, Deserialize)]
pub(in crate::codex) struct Origin {
    name: Source,
}

#[derive(Debug, Deserialize)]
struct Source {
    #[serde(rename = "type", default)]
    kind: String,
}

impl Origin {
    /// Whether it is a file of the repository, which somebody else may have written.
    pub(in crate::codex) fn is_project(&self) -> bool {
        self.name.kind == "project"
    }
}

/// One of `permissionProfile/list`.
#[derive(Debug, Deserialize)]
pub(in crate::codex) struct PermissionProfile {
    pub(in crate::codex) id: String,
    #[serde(default)]
    pub(in crate::codex) description: Option<String>,
    #[serde(default)]
    pub(in crate::codex) allowed: bool,
}

/// The profile that a thread works with.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::codex) struct ActiveProfile {
    pub(in crate::codex) id: String,
}

impl ActiveProfile {
    /// Its id, if it is one that the user has configured; Codex's own begin with a colon.
    pub(in crate::codex) fn configured(profile: Option<&Self>) -> Option<String> {
        profile.map(|profile| &profile.id).filter(|id| !id.starts_with(':')).cloned()
    }
}

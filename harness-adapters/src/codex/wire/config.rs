//! The user's configuration, as Codex puts it together for a directory.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::reading::nullable;
use super::settings::{Policy, Reviewer, Sandbox, SandboxPolicy};

/// The answer to `config/read`.
#[derive(Debug, Deserialize)]
pub(crate) struct ConfigRead {
    pub(crate) config: Config,
    /// Origin of each setting.
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) origins: BTreeMap<String, Origin>,
}

/// The part of it that decides how sessions begin.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Config {
    #[serde(default)]
    pub(crate) approval_policy: Option<Policy>,
    #[serde(default, deserialize_with = "known")]
    pub(crate) approvals_reviewer: Option<Reviewer>,
    #[serde(default, deserialize_with = "known")]
    pub(crate) sandbox_mode: Option<Sandbox>,
    #[serde(default)]
    pub(crate) sandbox_workspace_write: Option<Workspace>,
    /// The permission profile that is in force.
    #[serde(default)]
    pub(crate) default_permissions: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) mcp_servers: BTreeMap<String, Value>,
}

/// The table `[sandbox_workspace_write]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Workspace {
    pub(crate) writable_roots: Vec<String>,
    pub(crate) network_access: bool,
    pub(crate) exclude_tmpdir_env_var: bool,
    pub(crate) exclude_slash_tmp: bool,
}

impl Workspace {
    /// The sandbox policy of a thread with these settings.
    pub(crate) fn policy(&self) -> SandboxPolicy {
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

/// Origin of a setting.
#[derive(Debug, Deserialize)]
pub(crate) struct Origin {
    name: Source,
}

#[derive(Debug, Deserialize)]
struct Source {
    #[serde(rename = "type", default)]
    kind: String,
}

impl Origin {
    /// True for a file of the repository, which somebody else may have written.
    pub(crate) fn is_project(&self) -> bool {
        self.name.kind == "project"
    }
}

/// An entry of `permissionProfile/list`.
#[derive(Debug, Deserialize)]
pub(crate) struct PermissionProfile {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) allowed: bool,
}

//! Threads, their turns and settings.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reading::nullable;
use super::settings::{ActiveProfile, Policy, Reviewer, SandboxPolicy};

/// The answer to `thread/start`, `thread/resume`, `thread/fork`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Started {
    pub(crate) thread: Thread,
    #[serde(default)]
    pub(crate) model: String,
    #[serde(default)]
    pub(crate) approval_policy: Policy,
    #[serde(default)]
    pub(crate) approvals_reviewer: Reviewer,
    #[serde(default)]
    pub(crate) sandbox: SandboxPolicy,
    #[serde(default)]
    pub(crate) active_permission_profile: Option<ActiveProfile>,
    #[serde(default)]
    pub(crate) reasoning_effort: Option<String>,
}

/// A session.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Thread {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) cwd: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// The beginning of the first prompt.
    #[serde(default)]
    pub(crate) preview: String,
    /// Time of the last change, in seconds since the epoch.
    #[serde(default)]
    pub(crate) updated_at: i64,
    #[serde(default)]
    pub(crate) model: Option<String>,
    #[serde(default)]
    pub(crate) parent_thread_id: Option<String>,
    /// Path of the file that it is stored in.
    #[serde(default)]
    pub(crate) path: Option<std::path::PathBuf>,
}

/// A turn.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Turn {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) status: TurnStatus,
    #[serde(default)]
    pub(crate) error: Option<TurnError>,
    #[serde(default)]
    pub(crate) items: Vec<acp_types::RawBuf>,
}

/// Status of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum TurnStatus {
    #[default]
    InProgress,
    Completed,
    Interrupted,
    Failed,
    #[serde(other)]
    Other,
}

/// The error of a turn.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TurnError {
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) codex_error_info: Option<CodexError>,
    #[serde(default)]
    pub(crate) additional_details: Option<String>,
}

/// The sort of failure, a word or an object with one member.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct CodexError(pub(crate) Value);

impl CodexError {
    pub(crate) fn name(&self) -> &str {
        match &self.0 {
            Value::String(name) => name,
            Value::Object(fields) => fields.keys().next().map_or("", String::as_str),
            _ => "",
        }
    }

    pub(crate) fn http_status(&self) -> Option<u64> {
        self.0.as_object()?.values().next()?.get("httpStatusCode")?.as_u64()
    }
}

/// A model of the catalogue.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Model {
    #[serde(alias = "slug")]
    pub(crate) model: String,
    #[serde(default)]
    pub(crate) display_name: String,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) hidden: bool,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) supported_reasoning_efforts: Vec<EffortOption>,
    #[serde(default)]
    pub(crate) default_reasoning_effort: String,
}

/// A reasoning effort.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EffortOption {
    pub(crate) reasoning_effort: String,
    #[serde(default)]
    pub(crate) description: String,
}

/// One page of a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page<T> {
    pub(crate) data: Vec<T>,
    #[serde(default)]
    pub(crate) next_cursor: Option<String>,
}

/// The skills of a directory.
#[derive(Debug, Deserialize)]
pub(crate) struct Skills {
    #[serde(default)]
    pub(crate) skills: Vec<Skill>,
}

/// A skill.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Skill {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) short_description: Option<String>,
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) enabled: bool,
}

/// The answer to `account/read`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    #[serde(default)]
    pub(crate) account: Option<Value>,
    #[serde(default)]
    pub(crate) requires_openai_auth: bool,
}

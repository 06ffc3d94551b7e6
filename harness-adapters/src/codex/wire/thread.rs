//! Threads, their turns and settings.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ActiveProfile, nullable};

/// The answer to `thread/start`, `thread/resume`, `thread/fork`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct Started {
    pub(in crate::codex) thread: Thread,
    #[serde(default)]
    pub(in crate::codex) model: String,
    #[serde(default)]
    pub(in crate::codex) approval_policy: Policy,
    #[serde(default)]
    pub(in crate::codex) approvals_reviewer: Reviewer,
    #[serde(default)]
    pub(in crate::codex) sandbox: SandboxPolicy,
    #[serde(default)]
    pub(in crate::codex) active_permission_profile: Option<ActiveProfile>,
    #[serde(default)]
    pub(in crate::codex) reasoning_effort: Option<String>,
}

/// A session.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct Thread {
    pub(in crate::codex) id: String,
    #[serde(default)]
    pub(in crate::codex) cwd: String,
    #[serde(default)]
    pub(in crate::codex) name: Option<String>,
    /// The beginning of the first prompt.
    #[serde(default)]
    pub(in crate::codex) preview: String,
    /// In seconds since the epoch.
    #[serde(default)]
    pub(in crate::codex) updated_at: i64,
    #[serde(default)]
    pub(in crate::codex) model: Option<String>,
    #[serde(default)]
    pub(in crate::codex) parent_thread_id: Option<String>,
    /// Of the file that it is stored in.
    #[serde(default)]
    pub(in crate::codex) path: Option<std::path::PathBuf>,
}

/// A turn.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::codex) struct Turn {
    pub(in crate::codex) id: String,
    #[serde(default)]
    pub(in crate::codex) status: TurnStatus,
    #[serde(default)]
    pub(in crate::codex) error: Option<TurnError>,
    #[serde(default)]
    pub(in crate::codex) items: Vec<acp_types::RawBuf>,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) enum TurnStatus {
    #[default]
    InProgress,
    Completed,
    Interrupted,
    Failed,
    #[serde(other)]
    Other,
}

/// Why it failed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct TurnError {
    #[serde(default)]
    pub(in crate::codex) message: String,
    #[serde(default)]
    pub(in crate::codex) codex_error_info: Option<CodexError>,
    #[serde(default)]
    pub(in crate::codex) additional_details: Option<String>,
}

/// The sort of failure, a word or an object with one member.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(in crate::codex) struct CodexError(pub(in crate::codex) Value);

impl CodexError {
    pub(in crate::codex) fn name(&self) -> &str {
        match &self.0 {
            Value::String(name) => name,
            Value::Object(fields) => fields.keys().next().map_or("", String::as_str),
            _ => "",
        }
    }

    pub(in crate::codex) fn http_status(&self) -> Option<u64> {
        self.0.as_object()?.values().next()?.get("httpStatusCode")?.as_u64()
    }
}

/// When Codex asks: a word, or an object of switches.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::codex) struct Policy(pub(in crate::codex) Value);

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::codex) enum Reviewer {
    #[default]
    User,
    AutoReview,
    #[serde(other)]
    Other,
}

/// What commands may do, as a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::codex) enum Sandbox {
    ReadOnly,
    WorkspaceWrite,
    DangerFullAccess,
}

/// The same with details. Unknown ones are kept as they are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::codex) struct SandboxPolicy(pub(in crate::codex) Value);

impl SandboxPolicy {
    pub(in crate::codex) fn word(&self) -> Option<Sandbox> {
        match self.0.get("type")?.as_str()? {
            "readOnly" => Some(Sandbox::ReadOnly),
            "workspaceWrite" => Some(Sandbox::WorkspaceWrite),
            "dangerFullAccess" => Some(Sandbox::DangerFullAccess),
            _ => None,
        }
    }
}

/// A model of the catalogue.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct Model {
    #[serde(alias = "slug")]
    pub(in crate::codex) model: String,
    #[serde(default)]
    pub(in crate::codex) display_name: String,
    #[serde(default)]
    pub(in crate::codex) description: String,
    #[serde(default)]
    pub(in crate::codex) hidden: bool,
    #[serde(default, deserialize_with = "nullable")]
    pub(in crate::codex) supported_reasoning_efforts: Vec<EffortOption>,
    #[serde(default)]
    pub(in crate::codex) default_reasoning_effort: String,
}

/// How long it may think.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct EffortOption {
    pub(in crate::codex) reasoning_effort: String,
    #[serde(default)]
    pub(in crate::codex) description: String,
}

/// One page of a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct Page<T> {
    pub(in crate::codex) data: Vec<T>,
    #[serde(default)]
    pub(in crate::codex) next_cursor: Option<String>,
}

/// The skills of a directory.
#[derive(Debug, Deserialize)]
pub(in crate::codex) struct Skills {
    #[serde(default)]
    pub(in crate::codex) skills: Vec<Skill>,
}

/// A skill.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct Skill {
    pub(in crate::codex) name: String,
    #[serde(default)]
    pub(in crate::codex) description: String,
    #[serde(default)]
    pub(in crate::codex) short_description: Option<String>,
    pub(in crate::codex) path: String,
    #[serde(default)]
    pub(in crate::codex) enabled: bool,
}

/// The answer to `account/read`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct Account {
    #[serde(default)]
    pub(in crate::codex) account: Option<Value>,
    #[serde(default)]
    pub(in crate::codex) requires_openai_auth: bool,
}

//! Notifications.

use serde::Deserialize;

use super::{ActiveProfile, Item, Policy, Reviewer, SandboxPolicy, Turn, TurnError, nullable};

/// `item/started`, `item/completed`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct ItemEvent {
    pub(in crate::codex) item: Item,
}

/// A piece of text: `item/agentMessage/delta`, `item/plan/delta`, `item/reasoning/*Delta`,
/// `item/commandExecution/outputDelta`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct Delta {
    #[serde(default)]
    pub(in crate::codex) turn_id: String,
    pub(in crate::codex) item_id: String,
    #[serde(default)]
    pub(in crate::codex) delta: String,
    #[serde(default, alias = "contentIndex")]
    pub(in crate::codex) summary_index: u32,
}

/// `turn/started`, `turn/completed`.
#[derive(Debug, Deserialize)]
pub(in crate::codex) struct TurnEvent {
    pub(in crate::codex) turn: Turn,
}

/// `turn/plan/updated`.
#[derive(Debug, Deserialize)]
pub(in crate::codex) struct PlanEvent {
    #[serde(default)]
    pub(in crate::codex) plan: Vec<Step>,
}

/// A step of a plan.
#[derive(Debug, Deserialize)]
pub(in crate::codex) struct Step {
    pub(in crate::codex) step: String,
    pub(in crate::codex) status: StepStatus,
}

/// How far it is.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) enum StepStatus {
    #[serde(alias = "in_progress")]
    InProgress,
    Completed,
    #[serde(other)]
    Pending,
}

/// `thread/tokenUsage/updated`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct Usage {
    pub(in crate::codex) token_usage: TokenUsage,
}

/// Of a thread.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct TokenUsage {
    pub(in crate::codex) total: Tokens,
    pub(in crate::codex) last: Tokens,
    #[serde(default)]
    pub(in crate::codex) model_context_window: Option<u64>,
}

/// Counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::codex) struct Tokens {
    pub(in crate::codex) total_tokens: u64,
    pub(in crate::codex) input_tokens: u64,
    pub(in crate::codex) cached_input_tokens: u64,
    pub(in crate::codex) cache_write_input_tokens: u64,
    pub(in crate::codex) output_tokens: u64,
    pub(in crate::codex) reasoning_output_tokens: u64,
}

/// `thread/name/updated`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct Named {
    #[serde(default)]
    pub(in crate::codex) thread_name: Option<String>,
}

/// `error`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct ErrorEvent {
    pub(in crate::codex) error: TurnError,
    #[serde(default)]
    pub(in crate::codex) will_retry: bool,
}

/// `warning`, `guardianWarning`.
#[derive(Debug, Deserialize)]
pub(in crate::codex) struct Warning {
    #[serde(default)]
    pub(in crate::codex) message: String,
}

/// `configWarning`, `deprecationNotice`.
#[derive(Debug, Deserialize)]
pub(in crate::codex) struct Summarized {
    #[serde(default)]
    pub(in crate::codex) summary: String,
    #[serde(default)]
    pub(in crate::codex) details: Option<String>,
}

/// `serverRequest/resolved`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct Resolved {
    pub(in crate::codex) request_id: acp_types::RawBuf,
}

/// `thread/settings/updated`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct SettingsEvent {
    pub(in crate::codex) thread_settings: ThreadSettings,
}

/// What a thread works with.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct ThreadSettings {
    pub(in crate::codex) approval_policy: Policy,
    #[serde(default)]
    pub(in crate::codex) approvals_reviewer: Reviewer,
    pub(in crate::codex) sandbox_policy: SandboxPolicy,
    #[serde(default)]
    pub(in crate::codex) active_permission_profile: Option<ActiveProfile>,
    pub(in crate::codex) model: String,
    #[serde(default)]
    pub(in crate::codex) effort: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(in crate::codex) collaboration_mode: Collaboration,
}

/// `collaborationMode`.
#[derive(Debug, Default, Deserialize)]
pub(in crate::codex) struct Collaboration {
    #[serde(default)]
    pub(in crate::codex) mode: String,
}

/// Where a notification belongs.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::codex) struct Place {
    pub(in crate::codex) thread_id: Option<String>,
    pub(in crate::codex) turn_id: Option<String>,
}

/// In place of a message that cannot be read.
#[derive(Debug, Deserialize)]
pub(in crate::codex) struct Unreadable {
    /// Whether it may have ended a turn.
    pub(in crate::codex) ends: bool,
}

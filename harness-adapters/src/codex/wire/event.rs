//! Notifications.

use serde::Deserialize;

use super::item::Item;
use super::reading::nullable;
use super::settings::{ActiveProfile, Policy, Reviewer, SandboxPolicy};
use super::thread::{Turn, TurnError};

/// `item/started`, `item/completed`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ItemEvent {
    pub(crate) item: Item,
}

/// A piece of text: `item/agentMessage/delta`, `item/plan/delta`, `item/reasoning/*Delta`,
/// `item/commandExecution/outputDelta`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Delta {
    pub(crate) item_id: String,
    #[serde(default)]
    pub(crate) delta: String,
    #[serde(default, alias = "contentIndex")]
    pub(crate) summary_index: u32,
}

/// `turn/started`, `turn/completed`.
#[derive(Debug, Deserialize)]
pub(crate) struct TurnEvent {
    pub(crate) turn: Turn,
}

/// `turn/plan/updated`.
#[derive(Debug, Deserialize)]
pub(crate) struct PlanEvent {
    #[serde(default)]
    pub(crate) plan: Vec<PlanStep>,
}

/// A step of a plan.
#[derive(Debug, Deserialize)]
pub(crate) struct PlanStep {
    pub(crate) step: String,
    pub(crate) status: StepStatus,
}

/// Status of a step.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum StepStatus {
    #[serde(alias = "in_progress")]
    InProgress,
    Completed,
    #[serde(other)]
    Pending,
}

/// `thread/tokenUsage/updated`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Usage {
    pub(crate) token_usage: TokenUsage,
}

/// Usage of a thread.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenUsage {
    pub(crate) total: Tokens,
    pub(crate) last: Tokens,
    #[serde(default)]
    pub(crate) model_context_window: Option<u64>,
}

/// Counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Tokens {
    pub(crate) total_tokens: u64,
    pub(crate) input_tokens: u64,
    pub(crate) cached_input_tokens: u64,
    pub(crate) cache_write_input_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) reasoning_output_tokens: u64,
}

/// `thread/name/updated`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Named {
    #[serde(default)]
    pub(crate) thread_name: Option<String>,
}

/// `error`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorEvent {
    pub(crate) error: TurnError,
    #[serde(default)]
    pub(crate) will_retry: bool,
}

/// `warning`, `guardianWarning`.
#[derive(Debug, Deserialize)]
pub(crate) struct Warning {
    #[serde(default)]
    pub(crate) message: String,
}

/// `configWarning`, `deprecationNotice`.
#[derive(Debug, Deserialize)]
pub(crate) struct Summarized {
    #[serde(default)]
    pub(crate) summary: String,
    #[serde(default)]
    pub(crate) details: Option<String>,
}

/// `serverRequest/resolved`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resolved {
    pub(crate) request_id: acp_types::RawBuf,
}

/// `thread/settings/updated`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SettingsEvent {
    pub(crate) thread_settings: ThreadSettings,
}

/// Settings of a thread.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ThreadSettings {
    pub(crate) approval_policy: Policy,
    #[serde(default)]
    pub(crate) approvals_reviewer: Reviewer,
    pub(crate) sandbox_policy: SandboxPolicy,
    #[serde(default)]
    pub(crate) active_permission_profile: Option<ActiveProfile>,
    pub(crate) model: String,
    #[serde(default)]
    pub(crate) effort: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) collaboration_mode: Collaboration,
}

/// `collaborationMode`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Collaboration {
    #[serde(default)]
    pub(crate) mode: String,
}

/// The thread and the turn that a notification is about.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct About {
    pub(crate) thread_id: Option<String>,
    pub(crate) turn_id: Option<String>,
}

/// The message that replaces one that cannot be read.
#[derive(Debug, Deserialize)]
pub(crate) struct Unreadable {
    /// True if it may have ended a turn.
    pub(crate) ends: bool,
}

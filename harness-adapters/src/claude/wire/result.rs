//! `result`: the end of a turn.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::message::Usage;

/// `result`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TurnResult {
    /// `success`, also for failures of the model's provider; or a word for what went wrong.
    pub(crate) subtype: String,
    /// It failed.
    pub(crate) is_error: bool,
    /// Why the model stopped.
    pub(crate) stop_reason: Option<String>,
    /// Why the turn ended.
    pub(crate) terminal_reason: Option<String>,
    /// The last text, or that of the failure.
    pub(crate) result: Option<String>,
    /// What went wrong in the program itself.
    pub(crate) errors: Vec<String>,
    /// The provider's HTTP status.
    pub(crate) api_error_status: Option<u16>,
    /// The provider's word for it.
    pub(crate) api_error_type: Option<String>,
    /// Since the process began.
    pub(crate) total_cost_usd: Option<f64>,
    /// Since the last result.
    pub(crate) usage: Usage,
    /// Since the process began, by model.
    #[serde(rename = "modelUsage")]
    pub(crate) model_usage: BTreeMap<String, ModelUsage>,
    /// Its own name.
    pub(crate) uuid: Option<String>,
    /// The prompts that it answers.
    pub(crate) user_message_uuids: Option<Vec<String>>,
    /// The first of them.
    pub(crate) user_message_uuid: Option<String>,
    /// Why there was a turn, if nobody prompted.
    pub(crate) origin: Option<Origin>,
}

impl TurnResult {
    /// Whether it answers this prompt.
    pub(crate) fn answers(&self, uuid: &str) -> bool {
        self.user_message_uuid.as_deref() == Some(uuid)
            || self.user_message_uuids.as_ref().is_some_and(|uuids| uuids.iter().any(|known| known == uuid))
    }

    /// Whether it does not say what it answers, nor that it answers nothing.
    pub(crate) fn answers_whatever_runs(&self) -> bool {
        let silent = self.user_message_uuid.is_none() && self.user_message_uuids.as_ref().is_none_or(Vec::is_empty);
        silent && self.origin.is_none()
    }
}

/// Usage of one model.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ModelUsage {
    /// How many tokens it can take.
    pub(crate) context_window: Option<u64>,
}

/// Why there was a turn.
#[derive(Debug, Deserialize)]
pub(crate) struct Origin {}

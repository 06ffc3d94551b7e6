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
    /// True if it failed.
    pub(crate) is_error: bool,
    /// The model's reason to stop.
    pub(crate) stop_reason: Option<String>,
    /// The program's reason to end the turn.
    pub(crate) terminal_reason: Option<String>,
    /// The last text, or that of the failure.
    pub(crate) result: Option<String>,
    /// Errors in the program itself.
    pub(crate) errors: Vec<String>,
    /// The provider's HTTP status.
    pub(crate) api_error_status: Option<u16>,
    /// The provider's name of the error.
    pub(crate) api_error_type: Option<String>,
    /// Cost since the process began.
    pub(crate) total_cost_usd: Option<f64>,
    /// Usage since the last result.
    pub(crate) usage: Usage,
    /// Usage since the process began, by model.
    #[serde(rename = "modelUsage")]
    pub(crate) model_usage: BTreeMap<String, ModelUsage>,
    /// Its id.
    pub(crate) uuid: Option<String>,
    /// The prompts that it answers.
    pub(crate) user_message_uuids: Option<Vec<String>>,
    /// The first prompt that it answers.
    pub(crate) user_message_uuid: Option<String>,
    /// Origin of a turn that nobody prompted.
    pub(crate) origin: Option<Origin>,
}

impl TurnResult {
    /// True if it answers this prompt.
    pub(crate) fn answers(&self, uuid: &str) -> bool {
        self.user_message_uuid.as_deref() == Some(uuid)
            || self.user_message_uuids.as_ref().is_some_and(|uuids| uuids.iter().any(|known| known == uuid))
    }

    /// True if it neither says what it answers, nor that it answers nothing.
    pub(crate) fn answers_whatever_runs(&self) -> bool {
        let silent = self.user_message_uuid.is_none() && self.user_message_uuids.as_ref().is_none_or(Vec::is_empty);
        silent && self.origin.is_none()
    }
}

/// Usage of one model.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ModelUsage {
    /// Number of tokens that it can take.
    pub(crate) context_window: Option<u64>,
}

/// Origin of a turn.
#[derive(Debug, Deserialize)]
pub(crate) struct Origin {}

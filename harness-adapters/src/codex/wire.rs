//! The part of the app-server protocol that this adapter uses.
//!
//! Tolerant: unknown members are ignored, unknown variants read as `Other`. It is JSON-RPC without the `jsonrpc` member,
//! one message per line.

mod ask;
mod event;
mod input;
mod item;
mod outgoing;
mod thread;

pub(super) use ask::{
    CommandAsk, ElicitationAsk, ElicitationMode, FileAsk, NetworkAmendment, PermissionsAsk, Question, QuestionsAsk,
};
pub(super) use event::{
    Delta, ErrorEvent, ItemEvent, Named, Place, PlanEvent, Resolved, SettingsEvent, Step, StepStatus, Summarized,
    TokenUsage, Tokens, TurnEvent, Usage, Warning,
};
pub(super) use input::{File, Files, UserInput};
pub(super) use item::{AgentTool, Change, ChangeKind, Command, CommandAction, Item, McpCall, Status};
pub(super) use outgoing::{answer, bytes, call, notify, refuse};
pub(super) use thread::{
    Account, Model, Page, Policy, Reviewer, Sandbox, SandboxPolicy, Skills, Started, Thread, Turn, TurnError,
    TurnStatus,
};

use acp_types::RawBuf;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// Any message of the app-server.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    /// Of a request, then with a method, or of what it answers.
    #[serde(default)]
    pub(super) id: Option<RawBuf>,
    #[serde(default)]
    pub(super) method: Option<String>,
    #[serde(default)]
    pub(super) params: Option<RawBuf>,
    #[serde(default)]
    pub(super) result: Option<RawBuf>,
    #[serde(default)]
    pub(super) error: Option<RpcError>,
    /// Not of the app-server: the files that the message is about, as its reader found them.
    #[serde(default, rename = "_files")]
    pub(super) files: Files,
    /// Nor this: what commands had printed when the model was first told of them, by their call.
    #[serde(default, rename = "_began")]
    pub(super) began: std::collections::BTreeMap<String, String>,
}

/// A JSON-RPC error. Its code says nothing: it is the same for everything.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct RpcError {
    #[serde(default)]
    pub(super) message: String,
}

/// Reads params or a result; what does not fit is worth a line in the log, not more.
pub(super) fn read<T: DeserializeOwned>(raw: Option<&RawBuf>, what: &str) -> Option<T> {
    let text = raw.map_or("{}", RawBuf::as_str);
    serde_json::from_str(text)
        .inspect_err(|error| tracing::debug!(what, at = error.column(), "a message does not read"))
        .ok()
}

/// `null` as the default.
fn nullable<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

//! Requests of the app-server.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `item/commandExecution/requestApproval`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct CommandAsk {
    pub(in crate::codex) item_id: String,
    /// `command` unless it says something else.
    #[serde(default)]
    pub(in crate::codex) kind: Option<String>,
    /// Set where it is about something else than the item's own command.
    #[serde(default)]
    pub(in crate::codex) approval_id: Option<String>,
    #[serde(default)]
    pub(in crate::codex) reason: Option<String>,
    #[serde(default)]
    pub(in crate::codex) command: Option<String>,
    #[serde(default)]
    pub(in crate::codex) cwd: Option<String>,
    /// What it may do besides, in words of the sandbox.
    #[serde(default)]
    pub(in crate::codex) additional_permissions: Option<Value>,
    #[serde(default)]
    pub(in crate::codex) network_approval_context: Option<Network>,
    #[serde(default)]
    pub(in crate::codex) proposed_execpolicy_amendment: Option<Vec<String>>,
    #[serde(default)]
    pub(in crate::codex) proposed_network_policy_amendments: Option<Vec<NetworkAmendment>>,
}

impl CommandAsk {
    /// Whether it is about the command of its item as such, rather than about what that command does.
    pub(in crate::codex) fn is_own_command(&self) -> bool {
        self.approval_id.is_none()
            && self.network_approval_context.is_none()
            && self.kind.as_deref().is_none_or(|kind| kind == "command")
    }
}

/// What a command wants to reach.
#[derive(Debug, Deserialize)]
pub(in crate::codex) struct Network {
    #[serde(default)]
    pub(in crate::codex) host: String,
    #[serde(default)]
    pub(in crate::codex) protocol: Option<String>,
}

/// A rule about a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::codex) struct NetworkAmendment {
    pub(in crate::codex) host: String,
    /// `allow` or `deny`.
    pub(in crate::codex) action: String,
}

/// `item/fileChange/requestApproval`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct FileAsk {
    pub(in crate::codex) item_id: String,
    #[serde(default)]
    pub(in crate::codex) reason: Option<String>,
    #[serde(default)]
    pub(in crate::codex) grant_root: Option<String>,
}

/// `item/permissions/requestApproval`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct PermissionsAsk {
    pub(in crate::codex) item_id: String,
    #[serde(default)]
    pub(in crate::codex) reason: Option<String>,
    /// Granted as it is, or not at all.
    #[serde(default)]
    pub(in crate::codex) permissions: Value,
}

/// `item/tool/requestUserInput`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct QuestionsAsk {
    #[serde(default)]
    pub(in crate::codex) questions: Vec<Question>,
}

/// One of them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct Question {
    pub(in crate::codex) id: String,
    #[serde(default)]
    pub(in crate::codex) header: String,
    #[serde(default)]
    pub(in crate::codex) question: String,
    #[serde(default)]
    pub(in crate::codex) is_other: bool,
    #[serde(default)]
    pub(in crate::codex) is_secret: bool,
    #[serde(default)]
    pub(in crate::codex) options: Option<Vec<Choice>>,
}

/// A way to answer it.
#[derive(Debug, Deserialize)]
pub(in crate::codex) struct Choice {
    pub(in crate::codex) label: String,
    #[serde(default)]
    pub(in crate::codex) description: String,
}

/// `mcpServer/elicitation/request`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct ElicitationAsk {
    #[serde(default)]
    pub(in crate::codex) server_name: String,
    #[serde(default)]
    pub(in crate::codex) message: String,
    #[serde(default)]
    pub(in crate::codex) mode: ElicitationMode,
    #[serde(default)]
    pub(in crate::codex) requested_schema: Value,
    #[serde(default, rename = "_meta")]
    pub(in crate::codex) meta: Value,
}

/// How it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) enum ElicitationMode {
    Form,
    #[default]
    #[serde(other)]
    Other,
}

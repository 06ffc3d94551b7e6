//! Requests of the app-server.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `item/commandExecution/requestApproval`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CommandAsk {
    pub(crate) item_id: String,
    /// `command` unless it says something else.
    #[serde(default)]
    pub(crate) kind: Option<String>,
    /// Set where it is about something else than the item's own command.
    #[serde(default)]
    pub(crate) approval_id: Option<String>,
    #[serde(default)]
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) command: Option<String>,
    #[serde(default)]
    pub(crate) cwd: Option<String>,
    /// Further rights of the command, in the sandbox's terms.
    #[serde(default)]
    pub(crate) additional_permissions: Option<Value>,
    #[serde(default)]
    pub(crate) network_approval_context: Option<Network>,
    #[serde(default)]
    pub(crate) proposed_execpolicy_amendment: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) proposed_network_policy_amendments: Option<Vec<NetworkAmendment>>,
}

impl CommandAsk {
    /// True if the question is about the command of its item itself, not about something that the command does.
    pub(crate) fn is_own_command(&self) -> bool {
        self.approval_id.is_none()
            && self.network_approval_context.is_none()
            && self.kind.as_deref().is_none_or(|kind| kind == "command")
    }
}

/// A host that a command wants to reach.
#[derive(Debug, Deserialize)]
pub(crate) struct Network {
    #[serde(default)]
    pub(crate) host: String,
    #[serde(default)]
    pub(crate) protocol: Option<String>,
}

/// A rule about a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct NetworkAmendment {
    pub(crate) host: String,
    /// `allow` or `deny`.
    pub(crate) action: String,
}

/// `item/fileChange/requestApproval`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileAsk {
    pub(crate) item_id: String,
    #[serde(default)]
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) grant_root: Option<String>,
}

/// `item/permissions/requestApproval`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PermissionsAsk {
    pub(crate) item_id: String,
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// Granted as it is, or not at all.
    #[serde(default)]
    pub(crate) permissions: Value,
}

/// `item/tool/requestUserInput`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QuestionsAsk {
    #[serde(default)]
    pub(crate) questions: Vec<Question>,
}

/// A question of the model.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Question {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) header: String,
    #[serde(default)]
    pub(crate) question: String,
    #[serde(default)]
    pub(crate) is_other: bool,
    #[serde(default)]
    pub(crate) is_secret: bool,
    #[serde(default)]
    pub(crate) options: Option<Vec<Choice>>,
}

/// A way to answer it.
#[derive(Debug, Deserialize)]
pub(crate) struct Choice {
    pub(crate) label: String,
    #[serde(default)]
    pub(crate) description: String,
}

/// `mcpServer/elicitation/request`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ElicitationAsk {
    #[serde(default)]
    pub(crate) server_name: String,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) mode: ElicitationMode,
    #[serde(default)]
    pub(crate) requested_schema: Value,
    #[serde(default, rename = "_meta")]
    pub(crate) meta: Value,
}

/// Mode of an elicitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ElicitationMode {
    Form,
    #[default]
    #[serde(other)]
    Other,
}

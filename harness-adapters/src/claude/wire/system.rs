//! `system`: what the program says about itself.

use serde::Deserialize;

/// `system`.
#[derive(Debug, Deserialize)]
#[serde(tag = "subtype", rename_all = "snake_case")]
pub(crate) enum System {
    /// A turn begins.
    Init(Init),
    /// It does something, or its mode changed.
    Status(Status),
    /// A request to the model failed and is tried again.
    ApiRetry(ApiRetry),
    /// The conversation was compacted.
    CompactBoundary(Compacted),
    /// Something that people should know.
    Informational(Informational),
    /// The session has another name.
    SessionTitleChanged {
        /// The new name.
        title: String,
    },
    /// The work that goes on in the background.
    BackgroundTasksChanged {
        /// All of the work.
        #[serde(default, deserialize_with = "super::message::lenient")]
        tasks: Vec<Background>,
    },
    /// A sub-agent or a command has begun.
    TaskStarted(Background),
    /// A sub-agent or a command is over.
    TaskNotification(Task),
    /// Something else.
    #[serde(other)]
    Other,
}

/// `init`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Init {
    /// The model.
    pub(crate) model: Option<String>,
    /// The mode.
    #[serde(rename = "permissionMode")]
    pub(crate) permission_mode: Option<String>,
    /// Commands, by name.
    pub(crate) slash_commands: Option<Vec<String>>,
    /// The commands that need a terminal.
    pub(crate) terminal_slash_commands: Vec<String>,
    /// MCP servers and their states.
    pub(crate) mcp_servers: Vec<McpServer>,
}

/// An MCP server.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct McpServer {
    /// Its name.
    pub(crate) name: String,
    /// `connected`, `failed`, `needs-auth`, `pending`.
    pub(crate) status: String,
}

/// `status`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    /// `requesting`, `compacting`.
    pub(crate) status: Option<String>,
    /// The mode, when it changed.
    #[serde(rename = "permissionMode")]
    pub(crate) permission_mode: Option<String>,
    /// Result of compacting.
    pub(crate) compact_result: Option<String>,
    /// The error, if it failed.
    pub(crate) compact_error: Option<String>,
    /// The message's id.
    pub(crate) uuid: Option<String>,
}

/// `api_retry`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ApiRetry {
    /// Number of the attempt that failed.
    pub(crate) attempt: u64,
    /// Number of attempts.
    pub(crate) max_retries: u64,
    /// The pause before the next.
    pub(crate) retry_delay_ms: f64,
    /// HTTP status.
    pub(crate) error_status: Option<u16>,
    /// Name of the error.
    pub(crate) error: Option<String>,
}

/// `compact_boundary`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Compacted {
    /// The message's id.
    pub(crate) uuid: Option<String>,
}

/// `informational`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Informational {
    /// The message.
    pub(crate) content: String,
    /// `info`, `warning` and others.
    pub(crate) level: Option<String>,
}

/// `task_notification`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Task {
    /// Its id, to stop it by.
    pub(crate) task_id: String,
    /// The call that began it.
    pub(crate) tool_use_id: Option<String>,
    /// Its end: `completed`, `failed`, `stopped` and others.
    pub(crate) status: Option<String>,
    /// Summary of its result.
    pub(crate) summary: Option<String>,
}

/// Work that goes on in the background.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Background {
    /// Its id, to stop it by.
    pub(crate) task_id: String,
    /// The call that began it.
    pub(crate) tool_use_id: Option<String>,
    /// True if the turn does not wait for it.
    pub(crate) is_backgrounded: bool,
    /// `local_bash`, `local_agent`.
    pub(crate) task_type: String,
    /// What it is to do, in a few words.
    pub(crate) description: Option<String>,
    /// What the sub-agent is.
    pub(crate) subagent_type: Option<String>,
    /// The task of the sub-agent.
    pub(crate) prompt: Option<String>,
}

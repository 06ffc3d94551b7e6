//! The things that a turn consists of.

use serde::Deserialize;
use serde_json::Value;

use super::input::UserInput;
use super::reading::nullable;

/// One item of a turn.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Item {
    UserMessage {
        id: String,
        #[serde(default)]
        content: Vec<UserInput>,
    },
    AgentMessage {
        id: String,
        #[serde(default)]
        text: String,
    },
    /// The answer of plan mode, in Markdown.
    Plan {
        id: String,
        #[serde(default)]
        text: String,
    },
    Reasoning {
        id: String,
        #[serde(default, deserialize_with = "nullable")]
        summary: Vec<String>,
        #[serde(default, deserialize_with = "nullable")]
        content: Vec<String>,
    },
    CommandExecution(Command),
    FileChange {
        id: String,
        #[serde(default)]
        changes: Vec<Change>,
        #[serde(default)]
        status: Status,
    },
    McpToolCall(McpCall),
    DynamicToolCall {
        id: String,
        #[serde(default)]
        tool: String,
        #[serde(default)]
        arguments: Value,
        #[serde(default)]
        status: Status,
        #[serde(default)]
        content_items: Value,
    },
    CollabAgentToolCall {
        id: String,
        tool: AgentTool,
        #[serde(default)]
        status: Status,
        #[serde(default)]
        receiver_thread_ids: Vec<String>,
        #[serde(default)]
        prompt: Option<String>,
    },
    SubAgentActivity {
        id: String,
        #[serde(default)]
        kind: String,
        agent_thread_id: String,
        #[serde(default)]
        agent_path: String,
    },
    WebSearch {
        id: String,
        #[serde(default)]
        query: String,
        #[serde(default)]
        action: Value,
    },
    ImageView {
        id: String,
        path: String,
    },
    ImageGeneration(Image),
    Sleep {
        id: String,
        #[serde(default)]
        duration_ms: u64,
    },
    ContextCompaction {
        id: String,
    },
    #[serde(other)]
    Other,
}

/// A command.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Command {
    pub(crate) id: String,
    /// The command line in its shell, such as `/bin/bash -lc 'touch a'`.
    pub(crate) command: String,
    #[serde(default)]
    pub(crate) cwd: String,
    #[serde(default)]
    pub(crate) status: Status,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) command_actions: Vec<CommandAction>,
    #[serde(default)]
    pub(crate) aggregated_output: Option<String>,
    /// Id of the process, to stop it by, while it runs.
    #[serde(default)]
    pub(crate) process_id: Option<String>,
    #[serde(default)]
    pub(crate) exit_code: Option<i32>,
}

/// Codex's description of a command. The command may do more: the part of it that each action is about says too little
/// and is left out.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(crate) enum CommandAction {
    Read {
        path: String,
    },
    ListFiles {
        #[serde(default)]
        path: Option<String>,
    },
    Search {
        #[serde(default)]
        path: Option<String>,
    },
    #[serde(other)]
    Other,
}

/// Status of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Status {
    #[default]
    InProgress,
    Completed,
    Failed,
    Declined,
    Interrupted,
    #[serde(other)]
    Other,
}

/// The change of one file.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Change {
    pub(crate) path: String,
    pub(crate) kind: ChangeKind,
    /// The hunks of an update, else the file's text.
    #[serde(default)]
    pub(crate) diff: String,
}

/// Kind of a change.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(crate) enum ChangeKind {
    Add,
    Delete,
    Update {
        #[serde(default)]
        move_path: Option<String>,
    },
    #[serde(other)]
    Other,
}

/// A call of an MCP server's tool.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct McpCall {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) server: String,
    #[serde(default)]
    pub(crate) tool: String,
    #[serde(default)]
    pub(crate) status: Status,
    #[serde(default)]
    pub(crate) arguments: Value,
    #[serde(default)]
    pub(crate) result: Option<McpResult>,
    #[serde(default)]
    pub(crate) error: Option<McpError>,
}

/// Result of a tool.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct McpResult {
    #[serde(default)]
    pub(crate) content: Vec<Value>,
    #[serde(default)]
    pub(crate) structured_content: Option<Value>,
}

/// The error of a tool.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct McpError {
    #[serde(default)]
    pub(crate) message: String,
}

/// A generated image.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Image {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) revised_prompt: Option<String>,
    #[serde(default)]
    pub(crate) saved_path: Option<String>,
    /// Base64.
    #[serde(default)]
    pub(crate) result: Option<String>,
}

/// Tools for sub-agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum AgentTool {
    SpawnAgent,
    SendInput,
    ResumeAgent,
    Wait,
    CloseAgent,
    SendMessage,
    FollowupTask,
    InterruptAgent,
    ListAgents,
    #[serde(other)]
    Other,
}

impl Item {
    /// Its id, if it is known at all.
    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Self::UserMessage { id, .. }
            | Self::AgentMessage { id, .. }
            | Self::Plan { id, .. }
            | Self::Reasoning { id, .. }
            | Self::FileChange { id, .. }
            | Self::DynamicToolCall { id, .. }
            | Self::CollabAgentToolCall { id, .. }
            | Self::SubAgentActivity { id, .. }
            | Self::WebSearch { id, .. }
            | Self::ImageView { id, .. }
            | Self::Sleep { id, .. }
            | Self::ContextCompaction { id } => Some(id),
            Self::CommandExecution(command) => Some(&command.id),
            Self::McpToolCall(call) => Some(&call.id),
            Self::ImageGeneration(image) => Some(&image.id),
            Self::Other => None,
        }
    }
}

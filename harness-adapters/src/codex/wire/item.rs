//! The things that a turn consists of.

use serde::Deserialize;
use serde_json::Value;

use super::{UserInput, nullable};

/// One item of a turn.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(in crate::codex) enum Item {
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
pub(in crate::codex) struct Command {
    pub(in crate::codex) id: String,
    /// In its wrapping, such as `/bin/bash -lc 'touch a'`.
    pub(in crate::codex) command: String,
    #[serde(default)]
    pub(in crate::codex) cwd: String,
    #[serde(default)]
    pub(in crate::codex) status: Status,
    #[serde(default, deserialize_with = "nullable")]
    pub(in crate::codex) command_actions: Vec<CommandAction>,
    #[serde(default)]
    pub(in crate::codex) aggregated_output: Option<String>,
    /// To stop it by, while it runs.
    #[serde(default)]
    pub(in crate::codex) process_id: Option<String>,
    #[serde(default)]
    pub(in crate::codex) exit_code: Option<i32>,
}

/// What a command does, as far as Codex can tell. It may do more: the part of the command that each is about says too little
/// and is left out.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(in crate::codex) enum CommandAction {
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

/// How far an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) enum Status {
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
pub(in crate::codex) struct Change {
    pub(in crate::codex) path: String,
    pub(in crate::codex) kind: ChangeKind,
    /// Of an update the hunks, else the file's text.
    #[serde(default)]
    pub(in crate::codex) diff: String,
}

/// What sort of change.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(in crate::codex) enum ChangeKind {
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
pub(in crate::codex) struct McpCall {
    pub(in crate::codex) id: String,
    #[serde(default)]
    pub(in crate::codex) server: String,
    #[serde(default)]
    pub(in crate::codex) tool: String,
    #[serde(default)]
    pub(in crate::codex) status: Status,
    #[serde(default)]
    pub(in crate::codex) arguments: Value,
    #[serde(default)]
    pub(in crate::codex) result: Option<McpResult>,
    #[serde(default)]
    pub(in crate::codex) error: Option<McpError>,
}

/// What the tool said.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct McpResult {
    #[serde(default)]
    pub(in crate::codex) content: Vec<Value>,
    #[serde(default)]
    pub(in crate::codex) structured_content: Option<Value>,
}

/// Why it said nothing.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::codex) struct McpError {
    #[serde(default)]
    pub(in crate::codex) message: String,
}

/// A generated image.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) struct Image {
    pub(in crate::codex) id: String,
    #[serde(default)]
    pub(in crate::codex) status: String,
    #[serde(default)]
    pub(in crate::codex) revised_prompt: Option<String>,
    #[serde(default)]
    pub(in crate::codex) saved_path: Option<String>,
    /// Base64.
    #[serde(default)]
    pub(in crate::codex) result: Option<String>,
}

/// What was done with sub-agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::codex) enum AgentTool {
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
    pub(in crate::codex) fn id(&self) -> Option<&str> {
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

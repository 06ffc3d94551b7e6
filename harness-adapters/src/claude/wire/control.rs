//! The control protocol: requests of both sides, and their answers.

use acp_types::RawBuf;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// `control_request` of the program.
#[derive(Debug, Deserialize)]
pub(crate) struct Ask {
    /// To answer it by.
    pub(crate) request_id: String,
    /// What it wants.
    pub(crate) request: Wanted,
}

/// What a `control_request` of the program is about.
#[derive(Debug, Deserialize)]
#[serde(tag = "subtype", rename_all = "snake_case")]
pub(crate) enum Wanted {
    /// May this tool run?
    CanUseTool(CanUseTool),
    /// A question of an MCP server.
    Elicitation(Elicitation),
    /// A hook that somebody registered; we register none.
    HookCallback {},
    /// Something else.
    #[serde(other)]
    Other,
}

/// `can_use_tool`.
#[derive(Debug, Deserialize)]
pub(crate) struct CanUseTool {
    /// The tool's name.
    pub(crate) tool_name: String,
    /// What it is to be called with.
    #[serde(default)]
    pub(crate) input: Value,
    /// The call.
    #[serde(default)]
    pub(crate) tool_use_id: Option<String>,
    /// Ways not to be asked again.
    #[serde(default, deserialize_with = "super::message::lenient")]
    pub(crate) permission_suggestions: Vec<Value>,
    /// What is in the file that it is to change; put there before it is read here.
    #[serde(default)]
    pub(crate) original_file: Option<String>,
    /// It must be asked each time.
    #[serde(default)]
    pub(crate) suppress_always_allow_rule: bool,
}

/// `elicitation`: an MCP server asks the user.
#[derive(Debug, Deserialize)]
pub(crate) struct Elicitation {
    /// Which server.
    #[serde(default)]
    pub(crate) mcp_server_name: String,
    /// What it says.
    #[serde(default)]
    pub(crate) message: String,
    /// `form` or `url`.
    #[serde(default)]
    pub(crate) mode: Option<String>,
    /// What it wants to know.
    #[serde(default)]
    pub(crate) requested_schema: Option<Value>,
}

/// `control_cancel_request`.
#[derive(Debug, Deserialize)]
pub(crate) struct Withdrawn {
    /// Which.
    pub(crate) request_id: String,
}

/// `control_response` of the program.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope {
    /// The answer.
    pub(crate) response: Reply,
}

/// An answer to one of our requests.
#[derive(Debug, Deserialize)]
pub(crate) struct Reply {
    /// Which.
    pub(crate) request_id: String,
    /// `success` or `error`.
    pub(crate) subtype: String,
    /// What it says.
    #[serde(default)]
    pub(crate) response: Value,
    /// Why not.
    #[serde(default)]
    pub(crate) error: Option<String>,
    /// Why not, for programs.
    #[serde(default)]
    pub(crate) error_code: Option<String>,
}

impl Reply {
    /// What it says, or why not.
    pub(crate) fn into_result(self) -> Result<Value, Refusal> {
        if self.subtype == "success" {
            Ok(self.response)
        } else {
            Err(Refusal { message: self.error.unwrap_or_default(), code: self.error_code })
        }
    }
}

/// A request of ours that was refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// For people.
    pub(crate) message: String,
    /// For programs.
    pub(crate) code: Option<String>,
}

/// A request of ours.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "subtype", rename_all = "snake_case")]
pub(crate) enum Control {
    /// Say how the settings are.
    GetSettings,
    /// Agree on what both can, once.
    #[serde(rename_all = "camelCase")]
    Initialize {
        /// Messages of sub-agents are wanted.
        forward_subagent_text: bool,
        /// MCP servers by name.
        #[serde(skip_serializing_if = "Map::is_empty")]
        mcp_servers: Map<String, Value>,
        /// In place of its own instructions.
        #[serde(skip_serializing_if = "Option::is_none")]
        system_prompt: Option<String>,
        /// After them.
        #[serde(skip_serializing_if = "Option::is_none")]
        append_system_prompt: Option<String>,
    },
    /// Stop what runs.
    Interrupt {
        /// And forget what has not begun.
        cancel_queued: bool,
    },
    /// Forget a prompt that has not begun.
    CancelAsyncMessage {
        /// Which.
        message_uuid: String,
    },
    /// Forget a prompt and all that came after it.
    RewindConversation {
        /// Which.
        target_message_uuid: String,
    },
    /// End work in the background.
    StopTask {
        /// Which.
        task_id: String,
    },
    /// Say what work in the background has written.
    GetTaskOutput {
        /// Which.
        task_id: String,
    },
    /// Change the mode.
    SetPermissionMode {
        /// To what.
        mode: String,
    },
    /// Change the model.
    SetModel {
        /// To what.
        model: String,
    },
    /// Change a setting of this process.
    ApplyFlagSettings {
        /// Which, to what.
        settings: Value,
    },
    /// Name the session.
    RenameSession {
        /// How.
        title: String,
    },
}

impl Control {
    /// The message, to be answered by `id`.
    pub(crate) fn message(&self, id: &str) -> RawBuf {
        encode(&json!({ "type": "control_request", "request_id": id, "request": self }))
    }
}

/// The answer to `can_use_tool`.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "behavior", rename_all = "lowercase")]
pub(crate) enum Permission {
    /// Run it.
    #[serde(rename_all = "camelCase")]
    Allow {
        /// With this input.
        updated_input: Value,
        /// And do not ask again for these.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        updated_permissions: Vec<Value>,
    },
    /// Do not run it.
    Deny {
        /// What the model is told.
        message: String,
        /// End the turn too.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        interrupt: bool,
    },
}

/// The message that answers a request of the program.
pub(crate) fn answer(id: &str, response: &impl Serialize) -> RawBuf {
    encode(&json!({
        "type": "control_response",
        "response": { "subtype": "success", "request_id": id, "response": response },
    }))
}

/// The message that refuses a request of the program.
pub(crate) fn refuse(id: &str, error: &str) -> RawBuf {
    encode(&json!({
        "type": "control_response",
        "response": { "subtype": "error", "request_id": id, "error": error },
    }))
}

/// The message that is a prompt.
pub(crate) fn prompt(uuid: &str, content: &[Value]) -> RawBuf {
    encode(&json!({
        "type": "user",
        "message": { "role": "user", "content": content },
        "parent_tool_use_id": null,
        "session_id": "",
        "uuid": uuid,
    }))
}

fn encode(value: &Value) -> RawBuf {
    // A `Value` has string keys only, so this cannot fail.
    RawBuf::encode(value).unwrap_or_else(|_| RawBuf::trusted("{}"))
}

//! The control protocol: requests of both sides, and their answers.

use acp_types::RawBuf;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// `control_request` of the program.
#[derive(Debug, Deserialize)]
pub(crate) struct Ask {
    /// Id of the request, to answer it by.
    pub(crate) request_id: String,
    /// The request.
    pub(crate) request: Wanted,
}

impl Ask {
    /// The sub-agent that asks.
    pub(crate) fn agent(&self) -> Option<&str> {
        match &self.request {
            Wanted::CanUseTool(tool) => tool.agent_id.as_deref(),
            _ => None,
        }
    }
}

/// Subject of a `control_request` of the program.
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
    /// Its input.
    #[serde(default)]
    pub(crate) input: Value,
    /// The call.
    #[serde(default)]
    pub(crate) tool_use_id: Option<String>,
    /// The sub-agent that wants to run it.
    #[serde(default)]
    pub(crate) agent_id: Option<String>,
    /// Ways not to be asked again.
    #[serde(default, deserialize_with = "super::message::lenient")]
    pub(crate) permission_suggestions: Vec<Value>,
    /// Text of the file that it is to change. The adapter adds it before it is read here.
    #[serde(default)]
    pub(crate) original_file: Option<String>,
    /// It must be asked each time.
    #[serde(default)]
    pub(crate) suppress_always_allow_rule: bool,
}

/// `elicitation`: an MCP server asks the user.
#[derive(Debug, Deserialize)]
pub(crate) struct Elicitation {
    /// Name of the server.
    #[serde(default)]
    pub(crate) mcp_server_name: String,
    /// Its message.
    #[serde(default)]
    pub(crate) message: String,
    /// `form` or `url`.
    #[serde(default)]
    pub(crate) mode: Option<String>,
    /// Schema of the answer.
    #[serde(default)]
    pub(crate) requested_schema: Option<Value>,
}

/// `control_cancel_request`.
#[derive(Debug, Deserialize)]
pub(crate) struct Withdrawn {
    /// Id of the request.
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
    /// Id of the request that it answers.
    pub(crate) request_id: String,
    /// `success` or `error`.
    pub(crate) subtype: String,
    /// The response.
    #[serde(default)]
    pub(crate) response: Value,
    /// The error, for people.
    #[serde(default)]
    pub(crate) error: Option<String>,
    /// The error, for programs.
    #[serde(default)]
    pub(crate) error_code: Option<String>,
}

impl Reply {
    /// The result, or the reason of the refusal.
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
    /// Text for people.
    pub(crate) message: String,
    /// Code for programs.
    pub(crate) code: Option<String>,
}

/// A request of ours.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "subtype", rename_all = "snake_case")]
pub(crate) enum Control {
    /// Report the settings.
    GetSettings,
    /// Agree on features, once.
    #[serde(rename_all = "camelCase")]
    Initialize {
        /// True for messages of sub-agents, too.
        forward_subagent_text: bool,
        /// MCP servers by name.
        #[serde(skip_serializing_if = "Map::is_empty")]
        mcp_servers: Map<String, Value>,
        /// Text that replaces its own instructions.
        #[serde(skip_serializing_if = "Option::is_none")]
        system_prompt: Option<String>,
        /// Text after its own instructions.
        #[serde(skip_serializing_if = "Option::is_none")]
        append_system_prompt: Option<String>,
    },
    /// Stop the running turn.
    Interrupt {
        /// True to forget prompts that have not begun.
        cancel_queued: bool,
    },
    /// Forget a prompt that has not begun.
    CancelAsyncMessage {
        /// The prompt.
        message_uuid: String,
    },
    /// Forget a prompt and all that came after it.
    RewindConversation {
        /// The prompt.
        target_message_uuid: String,
    },
    /// End work in the background.
    StopTask {
        /// Id of the work.
        task_id: String,
    },
    /// Report the output of work in the background.
    GetTaskOutput {
        /// Id of the work.
        task_id: String,
    },
    /// Change the mode.
    SetPermissionMode {
        /// The new mode.
        mode: String,
    },
    /// Change the model.
    SetModel {
        /// The new mode.
        model: String,
    },
    /// Change a setting of this process.
    ApplyFlagSettings {
        /// The settings with their new values.
        settings: Value,
    },
    /// Name the session.
    RenameSession {
        /// The new title.
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
        /// The input to run it with.
        updated_input: Value,
        /// And do not ask again for these.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        updated_permissions: Vec<Value>,
    },
    /// Do not run it.
    Deny {
        /// Text for the model.
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

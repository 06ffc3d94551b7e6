//! The parts of a reply.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

/// One thing that happens in a response.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::model) enum Part {
    Say(Words),
    Think(Words),
    /// Text out of the request itself.
    Tell(Tell),
    Call(Call),
    /// Stops until the gate is released.
    Wait(String),
    Pause(Duration),
    /// Only ever the last part of a reply.
    End(End),
}

/// Part of its own request that the model repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::model) enum Tell {
    /// Messages of the user before the newest.
    Messages,
    /// Results of the tools since then.
    Results,
}

/// A text as the deltas it comes in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMany")]
pub(in crate::model) struct Words(pub(in crate::model) Vec<String>);

impl<const N: usize> From<[&str; N]> for Words {
    fn from(deltas: [&str; N]) -> Self {
        Self(deltas.map(str::to_owned).to_vec())
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Words {
    fn from(words: OneOrMany) -> Self {
        match words {
            OneOrMany::One(text) => Self(vec![text]),
            OneOrMany::Many(deltas) => Self(deltas),
        }
    }
}

/// Abnormal end of a response.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::model) enum End {
    Endless(Endless),
    Status(Status),
    /// The socket is closed in mid-stream.
    Drop,
    Refuse(String),
    Failed(Failed),
    /// An `error` event of this type.
    SseError(String),
    /// The reason why the response is cut short.
    Incomplete(String),
}

/// A tool that the model calls, in no API's words.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::model) enum Call {
    Shell(Shell),
    Write(Write),
    Edit(Edit),
    Delete(String),
    Move(Move),
    Patch(String),
    Read(String),
    Plan(Vec<PlanStep>),
    Question(Question),
    Agent(Agent),
    /// At most so many milliseconds.
    WaitAgents(u64),
    Mcp(Mcp),
    ExitPlan(String),
    ViewImage(String),
    Tool(Tool),
    Code(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::model) struct Shell {
    #[serde(rename = "shell")]
    pub(in crate::model) command: String,
    /// The model asks for permission, in the API that has words for it.
    #[serde(default)]
    pub(in crate::model) ask: bool,
    pub(in crate::model) timeout_ms: Option<u64>,
    #[serde(default)]
    pub(in crate::model) background: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::model) struct Write {
    #[serde(rename = "write")]
    pub(in crate::model) path: String,
    pub(in crate::model) text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::model) struct Edit {
    #[serde(rename = "edit")]
    pub(in crate::model) path: String,
    pub(in crate::model) old: String,
    pub(in crate::model) new: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::model) struct Move {
    #[serde(rename = "move")]
    pub(in crate::model) path: String,
    pub(in crate::model) to: String,
    /// Together with `new`: lines that change on the way.
    pub(in crate::model) old: Option<String>,
    pub(in crate::model) new: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::model) struct PlanStep {
    pub(in crate::model) step: String,
    pub(in crate::model) status: StepStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::model) enum StepStatus {
    Pending,
    InProgress,
    Completed,
}

impl StepStatus {
    pub(in crate::model) const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::model) struct Question {
    #[serde(rename = "question")]
    pub(in crate::model) text: String,
    #[serde(default = "header")]
    pub(in crate::model) header: String,
    pub(in crate::model) options: Vec<String>,
}

fn header() -> String {
    "Question".to_owned()
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::model) struct Agent {
    #[serde(rename = "agent")]
    pub(in crate::model) prompt: String,
    #[serde(default)]
    pub(in crate::model) background: bool,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::model) struct Mcp {
    /// `server.tool`.
    #[serde(rename = "mcp")]
    pub(in crate::model) name: String,
    #[serde(default)]
    pub(in crate::model) arguments: Map<String, Value>,
}

impl Mcp {
    /// Server and tool; the script was refused without a dot.
    pub(in crate::model) fn parts(&self) -> (&str, &str) {
        self.name.split_once('.').unwrap_or((&self.name, ""))
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::model) struct Tool {
    #[serde(rename = "tool")]
    pub(in crate::model) name: String,
    #[serde(default)]
    pub(in crate::model) arguments: Map<String, Value>,
    pub(in crate::model) namespace: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::model) struct Endless {
    #[serde(rename = "endless")]
    pub(in crate::model) text: String,
    #[serde(default = "every_ms")]
    pub(in crate::model) every_ms: u64,
}

fn every_ms() -> u64 {
    20
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::model) struct Status {
    #[serde(rename = "status")]
    pub(in crate::model) code: u16,
    /// Seconds.
    pub(in crate::model) retry_after: Option<u64>,
    pub(in crate::model) error_type: Option<String>,
    pub(in crate::model) message: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::model) struct Failed {
    #[serde(rename = "failed")]
    pub(in crate::model) code: String,
    pub(in crate::model) message: Option<String>,
}

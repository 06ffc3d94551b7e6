//! Quill's own protocol: one JSON object on each line, in both directions.

use serde::{Deserialize, Serialize};

/// A message of Quill. What a newer Quill may say beside these is [`FromQuill::Unknown`], and no reason to fail.
#[derive(Debug, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(crate) enum FromQuill {
    /// A piece of its answer.
    Text { text: String },
    /// A tool that it wants to run. It waits for [`ToQuill::Allow`] or [`ToQuill::Deny`].
    Tool { tool: String, title: String },
    /// The end of a tool.
    ToolEnded { tool: String, ok: bool, output: String },
    /// The end of what it was asked: `finished`, `stopped` or `refused`.
    End { why: String },
    #[serde(other)]
    Unknown,
}

/// A message to Quill.
#[derive(Debug, Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum ToQuill {
    Ask { text: String },
    Allow { tool: String },
    Deny { tool: String },
    Stop,
}

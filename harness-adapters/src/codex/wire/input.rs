//! What a user says, and the files that a message is about.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A part of a user's message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(in crate::codex) enum UserInput {
    Text {
        text: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        text_elements: Vec<Value>,
    },
    Image {
        url: String,
    },
    LocalImage {
        path: String,
    },
    Mention {
        name: String,
        path: String,
    },
    Skill {
        name: String,
        path: String,
    },
    #[serde(other)]
    Other,
}

impl UserInput {
    pub(in crate::codex) fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), text_elements: Vec::new() }
    }
}

/// Files by their path.
pub(in crate::codex) type Files = BTreeMap<String, File>;

/// What a file held when a message about it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::codex) enum File {
    /// Not there.
    Absent,
    /// Text.
    Text(String),
    /// The texts before and after a change, when they are known.
    Sides(Option<String>, String),
}

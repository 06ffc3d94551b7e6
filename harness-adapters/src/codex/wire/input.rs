//! Input of the user, and the files that a message is about.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A part of a user's message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(crate) enum UserInput {
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
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), text_elements: Vec::new() }
    }
}

/// Files by their path.
pub(crate) type Files = BTreeMap<String, File>;

/// A file as it was when a message about it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum File {
    /// A file that is not there.
    Absent,
    /// Text.
    Text(String),
    /// The texts before and after a change, when they are known.
    Sides(Option<String>, String),
}

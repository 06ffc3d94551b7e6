//! `stream_event`: a message of the model, as it comes.

use serde::Deserialize;
use serde_json::Value;

use super::message::Usage;

/// `stream_event`.
#[derive(Debug, Deserialize)]
pub(crate) struct StreamEvent {
    /// What happened.
    pub(crate) event: Event,
    /// The call of the sub-agent; so far only the session itself is streamed.
    #[serde(default)]
    pub(crate) parent_tool_use_id: Option<String>,
    /// With `message_stop`: what was streamed from this block on does not count.
    #[serde(default)]
    pub(crate) abandoned_blocks: Option<Abandoned>,
}

/// The part of a stream that was given up.
#[derive(Debug, Deserialize)]
pub(crate) struct Abandoned {
    /// The first block of it.
    pub(crate) from_block_index: u64,
}

/// What happened in a stream.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Event {
    /// A message begins.
    MessageStart {
        /// Which.
        message: Started,
    },
    /// A block begins.
    ContentBlockStart {
        /// Which.
        index: u64,
        /// What of.
        content_block: Value,
    },
    /// More of a block.
    ContentBlockDelta {
        /// Which.
        index: u64,
        /// What.
        delta: Delta,
    },
    /// The end of a message is near.
    MessageDelta {
        /// Tokens.
        #[serde(default)]
        usage: Option<Usage>,
    },
    /// The end of a message.
    MessageStop,
    /// Something else.
    #[serde(other)]
    Other,
}

/// A message that begins.
#[derive(Debug, Deserialize)]
pub(crate) struct Started {
    /// Its id.
    #[serde(default)]
    pub(crate) id: String,
    /// Tokens.
    #[serde(default)]
    pub(crate) usage: Option<Usage>,
}

/// More of a block.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
pub(crate) enum Delta {
    /// Of text.
    #[serde(rename = "text_delta")]
    Text {
        /// It.
        text: String,
    },
    /// Of thoughts.
    #[serde(rename = "thinking_delta")]
    Thinking {
        /// They.
        thinking: String,
    },
    /// Of something else.
    #[serde(other)]
    Other,
}

//! `stream_event`: a message of the model, as it comes.

use serde::Deserialize;
use serde_json::Value;

use super::message::Usage;

/// `stream_event`.
#[derive(Debug, Deserialize)]
pub(crate) struct StreamEvent {
    /// The event.
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

/// An event of a stream.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Event {
    /// A message begins.
    MessageStart {
        /// The message.
        message: Started,
    },
    /// A block begins.
    ContentBlockStart {
        /// Index of the block.
        index: u64,
        /// The block.
        content_block: Value,
    },
    /// More of a block.
    ContentBlockDelta {
        /// Index of the block.
        index: u64,
        /// The text.
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
    /// Text of a message.
    #[serde(rename = "text_delta")]
    Text {
        /// The text.
        text: String,
    },
    /// Text of a thought.
    #[serde(rename = "thinking_delta")]
    Thinking {
        /// The thoughts.
        thinking: String,
    },
    /// Something else.
    #[serde(other)]
    Other,
}

//! Messages of the model and for the model, whole. The transcript on disk has the same.

use std::fmt;

use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// `assistant`: one or more blocks of a message of the model.
#[derive(Debug, Deserialize)]
pub(crate) struct Assistant {
    /// The message.
    pub(crate) message: AssistantMessage,
    /// The call of the sub-agent that says it; `None` for the session itself.
    #[serde(default)]
    pub(crate) parent_tool_use_id: Option<String>,
    /// The sub-agent that says it.
    #[serde(default)]
    pub(crate) agent_id: Option<String>,
    /// The failure that it stands for. It is then no message of the model.
    #[serde(default)]
    pub(crate) error: Option<String>,
    /// True if it stands for a failure of the provider.
    #[serde(default, alias = "isApiErrorMessage")]
    pub(crate) is_api_error_message: bool,
}

impl Assistant {
    /// True if the program itself says such a text in place of the model.
    pub(crate) fn says(&self, such: impl Fn(&str) -> bool) -> bool {
        let text = |block: &Block| matches!(block, Block::Text { text } if such(text));
        self.message.model == "<synthetic>" && self.message.content.iter().any(text)
    }
}

/// The message within [`Assistant`].
#[derive(Debug, Deserialize)]
pub(crate) struct AssistantMessage {
    /// Its id.
    #[serde(default)]
    pub(crate) id: String,
    /// The model; `<synthetic>` when none was asked.
    #[serde(default)]
    pub(crate) model: String,
    /// Its blocks.
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) content: Vec<Block>,
}

/// `user`: results of tools, notes, and prompts in a transcript.
#[derive(Debug, Deserialize)]
pub(crate) struct User {
    /// The message.
    pub(crate) message: UserMessage,
    /// The call of the sub-agent that it is for; `None` for the session itself.
    #[serde(default)]
    pub(crate) parent_tool_use_id: Option<String>,
    /// Raw result of a tool. An object, or a string when it failed.
    #[serde(default, alias = "toolUseResult")]
    pub(crate) tool_use_result: Value,
    /// End of each call.
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) tool_result_meta: Vec<ResultMeta>,
    /// End of the call in a transcript, where each record holds one result.
    #[serde(default, rename = "toolDenialKind")]
    pub(crate) tool_denial_kind: Option<String>,
}

impl User {
    /// The reason that a call did not run; `None` if it did.
    pub(crate) fn denied(&self, call: &str) -> Option<&str> {
        let meta = self.tool_result_meta.iter().find(|meta| meta.id == call);
        meta.and_then(|meta| meta.non_execution_kind.as_deref()).or(self.tool_denial_kind.as_deref())
    }
}

/// The message within [`User`].
#[derive(Debug, Deserialize)]
pub(crate) struct UserMessage {
    /// Its content.
    #[serde(default)]
    pub(crate) content: Content,
}

/// End of a call.
#[derive(Debug, Deserialize)]
pub(crate) struct ResultMeta {
    /// The call.
    pub(crate) id: String,
    /// The reason that it did not run.
    #[serde(default)]
    pub(crate) non_execution_kind: Option<String>,
}

/// Content, which may be only text.
#[derive(Debug, Default)]
pub(crate) struct Content(pub(crate) Vec<Block>);

impl Content {
    /// Its text.
    pub(crate) fn text(&self) -> String {
        let texts = self.0.iter().filter_map(|block| match block {
            Block::Text { text } => Some(text.as_str()),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            Blocks(#[serde(deserialize_with = "lenient")] Vec<Block>),
            Other(serde::de::IgnoredAny),
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Text(text) => Self(vec![Block::Text { text }]),
            Form::Blocks(blocks) => Self(blocks),
            Form::Other(_) => Self::default(),
        })
    }
}

/// A part of a message.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Block {
    /// Text.
    Text {
        /// The text.
        #[serde(default)]
        text: String,
    },
    /// Thoughts.
    Thinking {
        /// The thoughts.
        #[serde(default)]
        thinking: String,
    },
    /// A call of a tool.
    #[serde(alias = "server_tool_use", alias = "mcp_tool_use")]
    ToolUse {
        /// The call.
        id: String,
        /// The tool.
        name: String,
        /// Its input.
        #[serde(default)]
        input: Value,
    },
    /// Result of a call.
    ToolResult {
        /// The call.
        tool_use_id: String,
        /// Content for the model.
        #[serde(default)]
        content: Content,
        /// True if it failed.
        #[serde(default)]
        is_error: Option<bool>,
    },
    /// A picture.
    Image {
        /// Its source.
        source: ImageSource,
    },
    /// Something else.
    #[serde(other)]
    Other,
}

/// Source of a picture.
#[derive(Debug, Deserialize)]
pub(crate) struct ImageSource {
    /// Its type.
    #[serde(default)]
    pub(crate) media_type: String,
    /// The bytes in base64.
    #[serde(default)]
    pub(crate) data: String,
}

/// Tokens of one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Usage {
    /// Tokens that were sent.
    pub(crate) input_tokens: Option<u64>,
    /// Tokens that were received.
    pub(crate) output_tokens: Option<u64>,
    /// Tokens that were sent and read from the cache.
    pub(crate) cache_read_input_tokens: Option<u64>,
    /// Tokens that were sent and written to the cache.
    pub(crate) cache_creation_input_tokens: Option<u64>,
}

/// A list whose unreadable elements are left out.
pub(crate) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    struct List<T>(std::marker::PhantomData<T>);
    impl<'de, T: DeserializeOwned> Visitor<'de> for List<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<T>, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = sequence.next_element::<Value>()? {
                match serde_json::from_value(item) {
                    Ok(item) => items.push(item),
                    Err(error) => tracing::warn!(%error, "a part of a message of Claude Code cannot be read"),
                }
            }
            Ok(items)
        }

        fn visit_unit<E>(self) -> Result<Vec<T>, E> {
            Ok(Vec::new())
        }
    }
    deserializer.deserialize_any(List(std::marker::PhantomData))
}

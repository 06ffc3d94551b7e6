//! Types of a script.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

use super::part::{Part, Words};

/// Script: the model's reply to each prompt.
#[derive(Debug, Clone)]
pub struct Script {
    pub(in crate::model) prompts: Vec<Prompt>,
    pub(in crate::model) usage: Usage,
    pub(in crate::model) side: Side,
}

impl Script {
    /// Returns whether an entry is for this text that is not for every text.
    #[must_use]
    pub fn answers(&self, text: &str) -> bool {
        self.prompts.iter().any(|prompt| prompt.wanted != Wanted::Any && prompt.wanted.is(text))
    }

    /// The script that answers every prompt with a short text.
    #[must_use]
    pub fn hello() -> Self {
        let words = Words::from(["Hello from ", "the scripted model."]);
        let reply: Reply = Arc::from([Part::Say(words)]);
        let every = Prompt { wanted: Wanted::Any, api: None, replies: vec![reply], repeat: true, by_history: false };
        Self { prompts: vec![every], usage: Usage::default(), side: Side::default() }
    }

    /// The names of the gates at which some reply waits.
    pub(in crate::model) fn gates(&self) -> BTreeSet<String> {
        let parts = self.prompts.iter().flat_map(|prompt| &prompt.replies).flat_map(|reply| reply.iter());
        parts
            .filter_map(|part| match part {
                Part::Wait(gate) => Some(gate.clone()),
                _ => None,
            })
            .collect()
    }
}

/// One model response: its parts in order.
pub(in crate::model) type Reply = Arc<[Part]>;

/// The replies to one prompt.
#[derive(Debug, Clone)]
pub(in crate::model) struct Prompt {
    pub(in crate::model) wanted: Wanted,
    pub(in crate::model) api: Option<Api>,
    /// The nth model call gets the nth reply; never empty.
    pub(in crate::model) replies: Vec<Reply>,
    /// True if the last reply is given for all further calls.
    pub(in crate::model) repeat: bool,
    /// True if what the request holds says which reply is next, and not how often it was asked.
    pub(in crate::model) by_history: bool,
}

/// User messages that an entry is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::model) enum Wanted {
    Any,
    Containing(String),
}

impl Wanted {
    pub(in crate::model) fn is(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Containing(part) => text.contains(part.as_str()),
        }
    }
}

/// The three protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::model) enum Api {
    #[serde(rename = "openai")]
    OpenAi,
    Anthropic,
    Gemini,
}

impl Api {
    pub(in crate::model) const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }
}

/// The tokens that every response claims to have used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::model) struct Usage {
    pub(in crate::model) input: u64,
    pub(in crate::model) output: u64,
    /// Of the input.
    pub(in crate::model) cached: u64,
}

impl Default for Usage {
    fn default() -> Self {
        Self { input: 100, output: 20, cached: 0 }
    }
}

/// The answers to calls that a harness makes for itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::model) struct Side {
    pub(in crate::model) title: String,
    pub(in crate::model) review: Review,
    /// Summary of a conversation that the harness compacts.
    pub(in crate::model) summary: String,
    /// The answer to everything else that offers no tools.
    pub(in crate::model) text: String,
}

impl Default for Side {
    fn default() -> Self {
        Self {
            title: "Scripted session".to_owned(),
            review: Review::Allow,
            summary: "Scripted summary".to_owned(),
            text: "ok".to_owned(),
        }
    }
}

/// Verdict of a reviewer model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::model) enum Review {
    Allow,
    Deny,
}

//! The facts of a refusal that are more than a name or a number.

use std::fmt;
use std::time::Duration;

use acp_types::{RawBuf, RawError};
use serde::{Deserialize, Serialize};

/// Reason why an agent cannot go back to a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum Forgotten {
    /// The session came from an export, which does not have the agent's own id of it.
    #[error(
        "the session was imported without the agent's own id of it, so the agent cannot go back to the conversation"
    )]
    Imported,
    /// The agent was started again and has no way back.
    #[error(
        "the agent process ended and this agent can neither load nor resume a session, so it has forgotten the conversation"
    )]
    Incapable,
}

/// Last words of an agent that were no message, behind a sentence about them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct LastWords {
    /// The end of its stderr.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stderr: String,
    /// Lines of its stdout that are no messages.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stdout: String,
}

/// Bytes that are kept of each.
const MAX: usize = 2048;

impl LastWords {
    /// The end of what was written to each.
    pub(crate) fn new(stderr: &str, stdout: &str) -> Self {
        Self { stderr: end(stderr), stdout: end(stdout) }
    }
}

impl fmt::Display for LastWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, written) in
            [("its stderr ends", &self.stderr), ("its stdout had lines that are no messages", &self.stdout)]
        {
            if !written.is_empty() {
                write!(f, "; {what}: {written}")?;
            }
        }
        Ok(())
    }
}

fn end(written: &str) -> String {
    let written = written.trim();
    let mut from = written.len().saturating_sub(MAX);
    while !written.is_char_boundary(from) {
        from += 1;
    }
    written[from..].to_owned()
}

/// Milliseconds, shown as seconds.
pub(super) struct Seconds(pub(super) u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Duration::from_millis(self.0).as_secs_f64(), f)
    }
}

/// Message of an agent's error object.
pub(super) fn message_of(error: &RawBuf) -> String {
    RawError::new(error.clone())
        .map_or_else(|_| "the agent gave a malformed error".to_owned(), |error| error.message().into_owned())
}

/// JSON inside of JSON, as text: serde's tagged enums cannot carry it raw.
pub(super) mod raw_as_text {
    use acp_types::RawBuf;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(in super::super) fn serialize<S: Serializer>(raw: &RawBuf, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(raw.as_str())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RawBuf, D::Error> {
        RawBuf::parse(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{LastWords, MAX};

    #[test]
    fn of_what_an_agent_wrote_the_end_is_told() {
        assert_eq!(LastWords::new(" \n", "").to_string(), "");
        assert_eq!(LastWords::new("a\nb\n", "").to_string(), "; its stderr ends: a\nb");
        let both = LastWords::new("e", &format!("é{}", "x".repeat(MAX - 1)));
        let x = "x".repeat(MAX - 1);
        assert_eq!(
            both.to_string(),
            format!("; its stderr ends: e; its stdout had lines that are no messages: {x}"),
            "no half of a character"
        );
    }
}

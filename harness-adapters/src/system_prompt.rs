//! System prompts that clients give with a session, for every harness that takes them.

use acp_types::v1;
use serde_json::Value;

use crate::failure::{Failure, FailureKind};

/// System prompt of a session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SystemPrompt {
    /// In place of the harness's own.
    Replace(String),
    /// Behind the harness's own.
    Append(String),
}

impl SystemPrompt {
    /// Reads the member of ACP, or else `_meta.systemPrompt`, as the official adapter for Claude Code has it: a text, or
    /// `{"append": TEXT}`.
    ///
    /// # Errors
    /// When it has a mode that no harness has, or anything but text.
    pub(crate) fn read(field: Option<&v1::SystemPrompt>, meta: Option<&v1::Meta>) -> Result<Option<Self>, Failure> {
        if let Some(prompt) = field {
            let mut text = Vec::new();
            for block in &prompt.content {
                match block {
                    v1::ContentBlock::Text(part) => text.push(part.text.as_str()),
                    _ => return Err(invalid("a system prompt is text: leave everything else out")),
                }
            }
            let text = text.join("\n");
            return match &prompt.mode {
                v1::SystemPromptMode::Append => Ok(Some(Self::Append(text))),
                v1::SystemPromptMode::Override => Ok(Some(Self::Replace(text))),
                _ => Err(invalid("the mode of a system prompt is append or override")),
            };
        }
        match meta.and_then(|meta| meta.get("systemPrompt")) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(Self::Replace(text.clone()))),
            Some(given) => match given.get("append").and_then(Value::as_str) {
                Some(text) => Ok(Some(Self::Append(text.to_owned()))),
                None => Err(invalid("_meta.systemPrompt is a text, or an object with the text to append")),
            },
        }
    }
}

fn invalid(what: &str) -> Failure {
    Failure::new(FailureKind::InvalidParams, what.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mode_or_content_that_no_harness_has_is_refused() {
        let read = |prompt: serde_json::Value| {
            let prompt: v1::SystemPrompt = serde_json::from_value(prompt).expect("a system prompt");
            SystemPrompt::read(Some(&prompt), None)
        };
        let text = json!({ "type": "text", "text": "x" });
        let appended = read(json!({ "mode": "append", "content": [text, text] })).expect("it is taken");
        assert_eq!(appended, Some(SystemPrompt::Append("x\nx".to_owned())));
        let replaced = read(json!({ "mode": "override", "content": [text] })).expect("it is taken");
        assert_eq!(replaced, Some(SystemPrompt::Replace("x".to_owned())));
        assert!(read(json!({ "mode": "prepend", "content": [text] })).is_err());
        let image = json!({ "type": "image", "data": "", "mimeType": "image/png" });
        assert!(read(json!({ "mode": "append", "content": [text, image] })).is_err());
    }
}

//! Suggestions for the next prompt.

use serde_json::Value;

use crate::core::each::{each_update, items};
use crate::core::history::{Case, Message, brief};
use crate::core::verdict::Outcome;

/// Kinds of content that need a capability of both sides, which have the same name.
const GATED: [(&str, &str); 3] = [("image", "image"), ("audio", "audio"), ("resource", "embeddedContext")];

pub(super) fn suggestions_can_be_sent(case: &Case<'_>) -> Outcome {
    each_update(case, &["prompt_suggestions_update"], |message, update| {
        let prompts = items(&update["suggestions"]).iter().map(|suggestion| &suggestion["prompt"]);
        let bad = prompts.into_iter().find(|prompt| {
            let blocks = items(prompt);
            blocks.iter().all(is_blank) || blocks.iter().any(|block| !is_taken(case, message, block))
        })?;
        let expected = "content that is not blank, of kinds that agent and client take";
        Some(Outcome::broken(expected, brief(bad), vec![message.index]))
    })
}

fn is_blank(block: &Value) -> bool {
    block["type"] == "text" && block["text"].as_str().is_none_or(|text| text.trim().is_empty())
}

fn is_taken(case: &Case<'_>, message: &Message, block: &Value) -> bool {
    let kind = block["type"].as_str().unwrap_or_default();
    let Some((_, name)) = GATED.iter().find(|(known, _)| *known == kind) else {
        return ["text", "resource_link"].contains(&kind);
    };
    let client = case.introduced(message.on).map(|params| &params["clientCapabilities"]["session"]);
    let by_client = client.is_some_and(|session| session["promptSuggestions"][*name].is_object());
    by_client && case.capability(&["promptCapabilities", name]).is_some()
}

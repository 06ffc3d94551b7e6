//! Content blocks.

use serde_json::Value;

use crate::core::each::{each, items};
use crate::core::history::{Case, Message, brief};
use crate::core::verdict::Outcome;

/// The blocks that a message of an agent holds.
fn blocks(message: &Message) -> Vec<&Value> {
    let Some(update) = message.update() else { return Vec::new() };
    match message.update_kind() {
        Some("tool_call" | "tool_call_update") => {
            let content = items(&update["content"]).iter();
            content.filter(|content| content["type"] == "content").map(|content| &content["content"]).collect()
        }
        Some(kind) if kind.ends_with("_chunk") => vec![&update["content"]],
        _ => Vec::new(),
    }
}

/// Returns whether a message shows content of a tool call.
pub(crate) fn of_a_call(message: &Message) -> bool {
    message.update().is_some_and(|update| update["toolCallId"].is_string()) && !blocks(message).is_empty()
}

/// The fault of one of a message's blocks.
pub(crate) fn fault(message: &Message) -> Option<String> {
    let text = |block: &Value, member: &str| block[member].is_string();
    let whole = |block: &&Value| match block["type"].as_str() {
        Some("text") => text(block, "text"),
        Some("image" | "audio") => text(block, "data") && text(block, "mimeType"),
        Some("resource_link") => text(block, "uri") && text(block, "name"),
        Some("resource") => {
            let resource = &block["resource"];
            text(resource, "uri") && (text(resource, "text") || text(resource, "blob"))
        }
        _ => false,
    };
    blocks(message).into_iter().find(|block| !whole(block)).map(brief)
}

pub(super) fn blocks_are_whole(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| !blocks(message).is_empty(),
        |message| {
            let bad = fault(message)?;
            Some(Outcome::broken("a block with all that its type needs", bad, vec![message.index]))
        },
    )
}

/// The encoded bytes of a block.
fn encoded(block: &Value) -> Option<&str> {
    match block["type"].as_str()? {
        "image" | "audio" => block["data"].as_str(),
        "resource" => block["resource"]["blob"].as_str(),
        _ => None,
    }
}

pub(super) fn bytes_are_base64(case: &Case<'_>) -> Outcome {
    let of = |message| blocks(message).into_iter().filter_map(encoded).collect::<Vec<_>>();
    each(
        case,
        |message| !of(message).is_empty(),
        |message| {
            let bad = of(message).into_iter().find(|text| !is_base64(text))?;
            let start: String = bad.chars().take(60).collect();
            Some(Outcome::broken("base64", format!("{start:?}"), vec![message.index]))
        },
    )
}

pub(crate) fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    text.len().is_multiple_of(4)
        && padding <= 2
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::is_base64;

    #[test]
    fn base64_is_padded_and_of_its_letters() {
        for good in ["", "aGk=", "aGkh", "YQ=="] {
            assert!(is_base64(good), "{good}");
        }
        for bad in ["a", "aGk", "a===", "aG k", "data:image/png;base64,aGk="] {
            assert!(!is_base64(bad), "{bad}");
        }
    }
}

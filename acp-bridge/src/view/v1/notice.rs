//! Notices, and what else is of its moment.

use acp_types::{Raw, RawBuf, rewrite};

use super::client_capabilities::MARKS;

/// Returns whether the params are those of a notice.
pub(crate) fn is_notice(params: Raw<'_>) -> bool {
    is_of_kind(params, 0, "notice")
}

/// Returns whether the params are of their moment: what is replayed has no notices (rfd/session-notices) and no
/// suggestions of prompts. Whoever goes on from a cursor has missed them and gets them.
pub(crate) fn is_momentary(params: Raw<'_>) -> bool {
    is_notice(params) || is_of_kind(params, 3, "prompt_suggestions_update")
}

fn is_of_kind(params: Raw<'_>, mark: usize, kind: &str) -> bool {
    let may_be = MARKS[mark].find(params.as_str().as_bytes()).is_some();
    may_be && params.path(&["update", "sessionUpdate"]).and_then(Raw::as_string).is_some_and(|is| is == kind)
}

/// A notice of the bridge's own for a client that shows none: as a thought, which every client can show.
pub(crate) fn as_thought(params: Raw<'_>) -> Option<RawBuf> {
    let update = params.member("update")?;
    let text = |key| update.member(key).and_then(Raw::as_string).unwrap_or_default();
    let thought = serde_json::json!({
        "sessionUpdate": "agent_thought_chunk",
        "content": { "type": "text", "text": format!("[acp-bridge: {}: {}]\n", text("title"), text("description")) },
    });
    let thought = RawBuf::encode(&thought).ok()?;
    Some(rewrite::set_member(params, "update", thought.as_raw()))
}

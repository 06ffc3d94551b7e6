//! Sessions of subagents, which an agent shows only to a client that says it understands them.
//!
//! The bridge passes on child sessions as ACP defines them, and nothing that goes by other names. So agents are not told
//! that a client could show sessions of subagents in another way, and go on to report what those do inside the parent's
//! session.

use acp_types::capability::{CLIENT as CAPABILITIES, SUBAGENTS};
use acp_types::{Raw, RawBuf, RawKind, rewrite};

/// The spellings of what is withheld, in lower case and without `-` and `_`: extensions under `_meta` have names of their
/// own, such as `nativeSubagentSessions`.
const WITHHELD: [&str; 2] = ["subagent", "childsession"];

/// `initialize` params without capabilities for sessions of subagents, wherever they stand, but for that of ACP.
pub(crate) fn without_foreign_subagents(initialize: RawBuf) -> RawBuf {
    let Some(told) = initialize.as_raw().member(CAPABILITIES) else { return initialize };
    let is_ours = |name: &str, value: Raw<'_>| name == SUBAGENTS && value.kind() == RawKind::Object;
    match without(told, is_ours) {
        Some(told) => rewrite::set_member(initialize.as_raw(), CAPABILITIES, told.as_raw()),
        None => initialize,
    }
}

fn is_withheld(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    WITHHELD.iter().any(|withheld| plain.contains(withheld))
}

/// `None` if nothing changes. Recursion ends: JSON that was read is nested 128 levels deep at most.
fn without(value: Raw<'_>, stays: impl Fn(&str, Raw<'_>) -> bool) -> Option<RawBuf> {
    let inside = |inner| without(inner, never as fn(&str, Raw<'_>) -> bool);
    match value.kind() {
        RawKind::Object => {
            let mut changed: Option<RawBuf> = None;
            for (name, inner) in value.members() {
                let so_far = changed.as_ref().map_or(value, RawBuf::as_raw);
                if stays(&name, inner) {
                    continue;
                }
                if is_withheld(&name) {
                    changed = Some(rewrite::remove_member(so_far, &name));
                } else if let Some(inner) = inside(inner) {
                    changed = Some(rewrite::set_member(so_far, &name, inner.as_raw()));
                }
            }
            changed
        }
        RawKind::Array => {
            let is_named = |element: &Raw<'_>| element.as_string().is_some_and(|name| is_withheld(&name));
            let left: Vec<_> = value.elements().filter(|element| !is_named(element)).collect();
            let inner: Vec<_> = left.iter().map(|element| inside(*element)).collect();
            if left.len() == value.elements().count() && inner.iter().all(Option::is_none) {
                return None;
            }
            let texts: Vec<_> =
                left.iter().zip(&inner).map(|(old, new)| new.as_ref().map_or(old.as_str(), RawBuf::as_str)).collect();
            Some(RawBuf::trusted(format!("[{}]", texts.join(","))))
        }
        _ => None,
    }
}

fn never(_: &str, _: Raw<'_>) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use acp_types::RawBuf;

    use super::without_foreign_subagents;

    #[test]
    fn agents_are_told_of_a_client_that_shows_child_sessions_as_acp_has_them_and_in_no_other_way() {
        for (capabilities, told) in [
            (r#"{"subagents":{},"subAgents":{},"fs":{}}"#, r#"{"subagents":{},"fs":{}}"#),
            (r#"{"subagents":true,"fs":{}}"#, r#"{"fs":{}}"#),
            (r#"{"subagents":null}"#, "{}"),
            (r#"{"session":{"subagents":{"x":1},"n":1e2}}"#, r#"{"session":{"n":1e2}}"#),
            (
                r#"{"_meta":{"vendor":{"nativeSubagentSessions":true,"diffs":1},"x.dev/sub-agents":1}}"#,
                r#"{"_meta":{"vendor":{"diffs":1}}}"#,
            ),
            (r#"{"_meta":{"can":["a", "SUB_AGENTS",{"childSessions":1}]}}"#, r#"{"_meta":{"can":["a",{}]}}"#),
            (r#"{"sub\u0061gents":[]}"#, "{}"),
            (r#"{ "terminal" : true, "agents":["main"] }"#, r#"{ "terminal" : true, "agents":["main"] }"#),
            ("7", "7"),
        ] {
            let initialize = |capabilities| {
                RawBuf::parse(format!(
                    r#"{{"protocolVersion":1,"clientCapabilities":{capabilities},"clientInfo":{{"name":"subagents"}}}}"#
                ))
                .unwrap()
            };
            assert_eq!(without_foreign_subagents(initialize(capabilities)), initialize(told));
        }
        let none = RawBuf::parse(r#"{"protocolVersion":1}"#).unwrap();
        assert_eq!(without_foreign_subagents(none.clone()), none);
    }
}

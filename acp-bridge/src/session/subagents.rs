//! Sessions of subagents, which an agent shows only to a client that says it understands them.
//!
//! The bridge has no place for what a child session says. So agents are not told that a client could show one, and go on
//! to report what their subagents do inside the parent's session.

use acp_types::capability::CLIENT as CAPABILITIES;
use acp_types::{Raw, RawBuf, RawKind, rewrite};

/// The spellings of what is withheld, in lower case and without `-` and `_`. ACP has `subagents`; extensions under
/// `_meta` have names of their own, such as `nativeSubagentSessions`.
const WITHHELD: [&str; 2] = ["subagent", "childsession"];

/// `initialize` params without the capabilities for sessions of subagents, wherever they stand.
pub(crate) fn without_subagents(initialize: RawBuf) -> RawBuf {
    let Some(told) = initialize.as_raw().member(CAPABILITIES) else { return initialize };
    match without(told) {
        Some(told) => rewrite::set_member(initialize.as_raw(), CAPABILITIES, told.as_raw()),
        None => initialize,
    }
}

fn is_withheld(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    WITHHELD.iter().any(|withheld| plain.contains(withheld))
}

/// `None` if nothing changes. Recursion ends: JSON that was read is nested 128 levels deep at most.
fn without(value: Raw<'_>) -> Option<RawBuf> {
    match value.kind() {
        RawKind::Object => {
            let mut changed: Option<RawBuf> = None;
            for (name, inner) in value.members() {
                let so_far = changed.as_ref().map_or(value, RawBuf::as_raw);
                if is_withheld(&name) {
                    changed = Some(rewrite::remove_member(so_far, &name));
                } else if let Some(inner) = without(inner) {
                    changed = Some(rewrite::set_member(so_far, &name, inner.as_raw()));
                }
            }
            changed
        }
        RawKind::Array => {
            let is_named = |element: &Raw<'_>| element.as_string().is_some_and(|name| is_withheld(&name));
            let left: Vec<_> = value.elements().filter(|element| !is_named(element)).collect();
            let inner: Vec<_> = left.iter().map(|element| without(*element)).collect();
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

#[cfg(test)]
mod tests {
    use acp_types::RawBuf;

    use super::without_subagents;

    #[test]
    fn no_agent_is_told_of_a_client_that_shows_child_sessions() {
        for (capabilities, told) in [
            (r#"{"subagents":{},"fs":{"readTextFile":true}}"#, r#"{"fs":{"readTextFile":true}}"#),
            (r#"{"session":{"subagents":{"x":1},"n":1e2}}"#, r#"{"session":{"n":1e2}}"#),
            (
                r#"{"_meta":{"vendor":{"nativeSubagentSessions":true,"diffs":1},"x.dev/sub-agents":1}}"#,
                r#"{"_meta":{"vendor":{"diffs":1}}}"#,
            ),
            (r#"{"_meta":{"can":["a", "SUB_AGENTS",{"childSessions":1}]}}"#, r#"{"_meta":{"can":["a",{}]}}"#),
            (r#"{"sub\u0061gents":{}}"#, "{}"),
            (r#"{ "terminal" : true, "agents":["main"] }"#, r#"{ "terminal" : true, "agents":["main"] }"#),
            ("7", "7"),
        ] {
            let initialize = |capabilities| {
                RawBuf::parse(format!(
                    r#"{{"protocolVersion":1,"clientCapabilities":{capabilities},"clientInfo":{{"name":"subagents"}}}}"#
                ))
                .unwrap()
            };
            assert_eq!(without_subagents(initialize(capabilities)), initialize(told));
        }
        let none = RawBuf::parse(r#"{"protocolVersion":1}"#).unwrap();
        assert_eq!(without_subagents(none.clone()), none);
    }
}

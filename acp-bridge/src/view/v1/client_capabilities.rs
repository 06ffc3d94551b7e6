//! Capabilities of a client: the updates that it can take, by what it offered at `initialize`. Pure.
//!
//! The log keeps all that an agent says, and an agent says what the client offered that it was started for. Those who
//! come later may have offered less. Terminals are no update of their own, see [`super::terminals`].

use std::sync::LazyLock;

use acp_types::Raw;
use acp_types::capability::{CLIENT, TERMINAL_OUTPUT};
use memchr::memmem::Finder;

/// Kinds of updates that need to be offered, by the first letters of their names. Whatever has none of these is for
/// everybody.
pub(super) static MARKS: LazyLock<[Finder<'static>; 7]> = LazyLock::new(|| {
    let marks = [
        "\"notice\"",
        "\"compaction_",
        "\"plan_",
        "\"prompt_suggestions_",
        "\"cursor_",
        "\"subagent_",
        "\"session_message",
    ];
    marks.map(Finder::new)
});

/// Capabilities of a client that updates need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ClientCapabilities {
    notices: bool,
    compaction: bool,
    plans: bool,
    suggestions: bool,
    cursors: bool,
    subagents: bool,
    /// Flag: it shows terminals that an agent streams, `_meta.terminal_output` of its capabilities.
    pub(crate) terminals: bool,
}

impl ClientCapabilities {
    /// Reads them from `initialize` params.
    pub(crate) fn read(initialize: Raw<'_>) -> Self {
        let offered = initialize.member(CLIENT).unwrap_or(Raw::EMPTY_OBJECT);
        let has = |path: &[&str]| offered.path(path).is_some_and(|value| !matches!(value.as_str(), "null" | "false"));
        let terminals = offered.path(&["_meta", TERMINAL_OUTPUT]);
        Self {
            notices: has(&["session", "notices"]),
            compaction: has(&["session", "compaction"]),
            plans: has(&["plan"]),
            suggestions: has(&["session", "promptSuggestions"]),
            cursors: has(&["session", "cursors"]),
            subagents: has(&["subagents"]),
            terminals: terminals.and_then(Raw::as_bool).unwrap_or(false),
        }
    }

    /// Returns whether an update with these params is for the client.
    pub(crate) fn takes(self, params: Raw<'_>) -> bool {
        let text = params.as_str().as_bytes();
        if MARKS.iter().all(|mark| mark.find(text).is_none()) {
            return true;
        }
        let kind = params.path(&["update", "sessionUpdate"]).and_then(Raw::as_string).unwrap_or_default();
        match &*kind {
            "notice" => self.notices,
            "compaction_update" | "compaction_summary_chunk" => self.compaction,
            "plan_update" | "plan_removed" => self.plans,
            "prompt_suggestions_update" => self.suggestions,
            "cursor_update" => self.cursors,
            "subagent_update" | "session_message" | "session_message_chunk" => self.subagents,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(initialize: &str, update: &str) -> bool {
        let params = format!(r#"{{"sessionId":"s","update":{update},"_meta":{{"n":1e2}}}}"#);
        ClientCapabilities::read(Raw::parse(initialize).unwrap()).takes(Raw::parse(&params).unwrap())
    }

    #[test]
    fn kinds_that_need_an_offer_are_for_those_who_made_it() {
        let in_session = |name: &str| format!(r#"{{"clientCapabilities":{{"session":{{"{name}":{{}}}}}}}}"#);
        let alone = |name: &str| format!(r#"{{"clientCapabilities":{{"{name}":{{}}}}}}"#);
        for (kind, offer) in [
            ("notice", in_session("notices")),
            ("compaction_update", in_session("compaction")),
            ("compaction_summary_chunk", in_session("compaction")),
            ("plan_update", alone("plan")),
            ("plan_removed", alone("plan")),
            ("prompt_suggestions_update", in_session("promptSuggestions")),
            ("cursor_update", in_session("cursors")),
            ("subagent_update", alone("subagents")),
            ("session_message", alone("subagents")),
            ("session_message_chunk", alone("subagents")),
        ] {
            let update = format!(r#"{{"sessionUpdate":"{kind}","x":1}}"#);
            assert!(takes(&offer, &update), "{kind}");
            let null = offer.replace("{}", "null");
            for without in ["{}", r#"{"clientCapabilities":{}}"#, &in_session("other"), &alone("other"), &null] {
                assert!(!takes(without, &update), "{kind} {without}");
            }
        }
    }

    #[test]
    fn what_only_speaks_of_such_things_is_for_everybody() {
        for update in [
            r#"{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"\"notice\""},"x":"notice"}"#,
            r#"{"sessionUpdate":"later","compaction_":1}"#,
            "7",
        ] {
            assert!(takes("{}", update), "{update}");
        }
    }

    #[test]
    fn terminals_of_agents_are_shown_by_clients_that_say_so() {
        let with = |value: &str| format!(r#"{{"clientCapabilities":{{"_meta":{{"terminal_output":{value}}}}}}}"#);
        let shows = |initialize: &str| ClientCapabilities::read(Raw::parse(initialize).unwrap()).terminals;
        assert!(shows(&with("true")));
        for without in ["{}", r#"{"clientCapabilities":{"terminal":true}}"#, &with("false"), &with("null"), &with("{}")]
        {
            assert!(!shows(without), "{without}");
        }
    }
}

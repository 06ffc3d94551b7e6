//! What of an update a client can take, by what it offered at `initialize`. Pure.
//!
//! The log keeps all that an agent says, and an agent says what the client offered that it was started for. Those who
//! come later may have offered less, and nobody can show a terminal of somebody else.

use std::sync::LazyLock;

use acp_types::{Raw, RawBuf, rewrite};
use memchr::memmem::Finder;

/// Kinds of updates that need to be offered, by the first letters of their names, and what may name a terminal. Whatever
/// has none of these is for everybody.
static MARKS: LazyLock<[Finder<'static>; 3]> =
    LazyLock::new(|| ["\"notice\"", "\"compaction_", "\"terminal\""].map(Finder::new));

/// What a client has offered of what updates need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Offer {
    notices: bool,
    compaction: bool,
}

/// What of the params of a `session/update` is for a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// All of them, as they stand in the log.
    All,
    /// These.
    Less(RawBuf),
    /// Nothing.
    Nothing,
}

impl Offer {
    /// From `initialize` params.
    pub(super) fn read(initialize: Raw<'_>) -> Self {
        let session = initialize.path(&["clientCapabilities", "session"]).unwrap_or(Raw::EMPTY_OBJECT);
        let has = |name: &str| session.member(name).is_some_and(|value| !matches!(value.as_str(), "null" | "false"));
        Self { notices: has("notices"), compaction: has("compaction") }
    }

    /// What the client gets of these params. `others` says whether a terminal is one that the client cannot have.
    pub(super) fn part(self, params: Raw<'_>, others: impl Fn(&str) -> bool) -> Part {
        let text = params.as_str().as_bytes();
        if MARKS.iter().all(|mark| mark.find(text).is_none()) {
            return Part::All;
        }
        let Some(update) = params.member("update") else { return Part::All };
        let kind = update.member("sessionUpdate").and_then(Raw::as_string).unwrap_or_default();
        match &*kind {
            "notice" if !self.notices => Part::Nothing,
            "compaction_update" | "compaction_summary_chunk" if !self.compaction => Part::Nothing,
            "tool_call" | "tool_call_update" => without_terminals(params, update, others),
            _ => Part::All,
        }
    }
}

/// Whether the params are those of a notice, which is of its moment: what is replayed has none (rfd/session-notices). Whoever
/// goes on from a cursor has missed it and gets it.
pub(super) fn is_notice(params: Raw<'_>) -> bool {
    let may_be = MARKS[0].find(params.as_str().as_bytes()).is_some();
    may_be && params.path(&["update", "sessionUpdate"]).and_then(Raw::as_string).is_some_and(|kind| kind == "notice")
}

/// A notice of the bridge's own for a client that shows none: as a thought, which every client can show.
pub(super) fn as_thought(params: Raw<'_>) -> Option<RawBuf> {
    let update = params.member("update")?;
    let text = |key| update.member(key).and_then(Raw::as_string).unwrap_or_default();
    let thought = serde_json::json!({
        "sessionUpdate": "agent_thought_chunk",
        "content": { "type": "text", "text": format!("[acp-bridge: {}: {}]\n", text("title"), text("description")) },
    });
    let thought = RawBuf::encode(&thought).ok()?;
    Some(rewrite::set_member(params, "update", thought.as_raw()))
}

/// The content of a tool call is told as a whole, so one without its terminals is said to have the rest, or none.
fn without_terminals(params: Raw<'_>, update: Raw<'_>, others: impl Fn(&str) -> bool) -> Part {
    let content = update.member("content").unwrap_or(Raw::NULL);
    let is_shown = |item: &Raw<'_>| {
        let terminal = item.member("type").and_then(Raw::as_string).is_some_and(|kind| kind == "terminal");
        !terminal || !item.member("terminalId").and_then(Raw::as_string).is_some_and(|id| others(&id))
    };
    if content.elements().all(|item| is_shown(&item)) {
        return Part::All;
    }
    let shown: Vec<&str> = content.elements().filter(is_shown).map(Raw::as_str).collect();
    let shown = format!("[{}]", shown.join(","));
    Part::Less(rewrite::set_path(params, &["update", "content"], Raw::trusted(&shown)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(offer: &str, update: &str) -> Part {
        let params = format!(r#"{{"sessionId":"s","update":{update},"_meta":{{"n":1e2}}}}"#);
        Offer::read(Raw::parse(offer).unwrap()).part(Raw::parse(&params).unwrap(), |terminal| terminal == "theirs")
    }

    #[test]
    fn kinds_that_need_an_offer_are_for_those_who_made_it() {
        let with = |name: &str| format!(r#"{{"clientCapabilities":{{"session":{{"{name}":{{}}}}}}}}"#);
        for (kind, name) in
            [("notice", "notices"), ("compaction_update", "compaction"), ("compaction_summary_chunk", "compaction")]
        {
            let update = format!(r#"{{"sessionUpdate":"{kind}","x":1}}"#);
            assert_eq!(part(&with(name), &update), Part::All, "{kind}");
            let null = format!(r#"{{"clientCapabilities":{{"session":{{"{name}":null}}}}}}"#);
            for without in ["{}", r#"{"clientCapabilities":{}}"#, &with("other"), &null] {
                assert_eq!(part(without, &update), Part::Nothing, "{kind} {without}");
            }
        }
    }

    #[test]
    fn what_only_speaks_of_such_things_is_for_everybody() {
        for update in [
            r#"{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"\"notice\""},"x":"notice"}"#,
            r#"{"sessionUpdate":"later","compaction_":1}"#,
            r#"{"sessionUpdate":"tool_call","content":[{"type":"terminal","terminalId":"mine"},{"type":"terminal"},7]}"#,
            r#"{"sessionUpdate":"tool_call","content":null,"title":"terminal"}"#,
            r#"{"sessionUpdate":"later","content":[{"type":"terminal","terminalId":"theirs"}]}"#,
            "7",
        ] {
            assert_eq!(part("{}", update), Part::All, "{update}");
        }
    }

    #[test]
    fn the_terminals_of_others_are_left_out_and_no_other_byte_changes() {
        let theirs = r#"{"type":"terminal","terminalId":"theirs"}"#;
        for (content, left) in [
            (format!("[{theirs}]"), "[]"),
            (format!(r#"[ {{"a":1e2}}, {theirs} ]"#), r#"[{"a":1e2}]"#),
            (format!(r#"[{theirs},{{"a":1e2}},{theirs},{{"b":1}}]"#), r#"[{"a":1e2},{"b":1}]"#),
        ] {
            let update =
                |content: &str| format!(r#"{{"sessionUpdate":"tool_call_update","n":1.0,"content":{content}}}"#);
            let expected = format!(r#"{{"sessionId":"s","update":{},"_meta":{{"n":1e2}}}}"#, update(left));
            assert_eq!(part("{}", &update(&content)), Part::Less(RawBuf::parse(expected).unwrap()));
        }
    }
}

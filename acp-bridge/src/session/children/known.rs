//! Members of `subagent_update` that are kept of a child session, in bounds.

use acp_types::{Raw, RawBuf, RawKind, rewrite};

/// Bytes of a title and of a description; what is longer is cut.
const MAX_TITLE: usize = 1024;
const MAX_DESCRIPTION: usize = 4096;

/// Bytes of each other member. A state that is longer loses its details, anything else is not kept.
const MAX_MEMBER: usize = 4096;

/// All that are kept.
const MEMBERS: [&str; 7] = ["title", "description", "state", "capabilities", "cwd", "additionalDirectories", "_meta"];

/// What a `subagent_update` says that is kept.
pub(in crate::session) fn known_of(update: Raw<'_>) -> RawBuf {
    let mut known = Raw::EMPTY_OBJECT.to_owned();
    for (name, value) in MEMBERS.iter().zip(update.pick(MEMBERS)) {
        if let Some(value) = value.and_then(|value| bounded(name, value)) {
            known = rewrite::set_member(known.as_raw(), name, value.as_raw());
        }
    }
    known
}

/// What is known with what has changed: `null` clears a member.
pub(super) fn merged(known: &RawBuf, changed: Raw<'_>) -> RawBuf {
    let mut merged = known.clone();
    for (name, value) in known_of(changed).as_raw().members() {
        merged = match value.is_null() {
            true => rewrite::remove_member(merged.as_raw(), &name),
            false => rewrite::set_member(merged.as_raw(), &name, value),
        };
    }
    merged
}

/// A value that is kept; `None` for one that is as if it had not been said.
fn bounded(name: &str, value: Raw<'_>) -> Option<RawBuf> {
    if value.is_null() {
        return Some(value.to_owned());
    }
    match name {
        "title" => cut(value, MAX_TITLE),
        "description" => cut(value, MAX_DESCRIPTION),
        "state" if value.as_str().len() > MAX_MEMBER => {
            let [state, reason] = value.pick(["state", "stopReason"]);
            let mut short = Raw::EMPTY_OBJECT.to_owned();
            for (key, value) in [("state", state), ("stopReason", reason)] {
                if let Some(value) = value.filter(|value| value.as_str().len() <= MAX_MEMBER / 4) {
                    short = rewrite::set_member(short.as_raw(), key, value);
                }
            }
            Some(short)
        }
        _ => (value.as_str().len() <= MAX_MEMBER && fits(name, value)).then(|| value.to_owned()),
    }
}

fn fits(name: &str, value: Raw<'_>) -> bool {
    let kind = match name {
        "cwd" => RawKind::String,
        "additionalDirectories" => RawKind::Array,
        _ => RawKind::Object,
    };
    value.kind() == kind
}

fn cut(text: Raw<'_>, max: usize) -> Option<RawBuf> {
    let text = text.as_string()?;
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    RawBuf::encode(&text[..end]).ok()
}

#[cfg(test)]
mod tests {
    use acp_types::{Raw, RawBuf};

    use super::{MAX_MEMBER, MAX_TITLE, known_of, merged};

    fn merge(known: &str, changed: &str) -> String {
        let known = RawBuf::parse(known).unwrap();
        merged(&known, Raw::parse(changed).unwrap()).as_str().to_owned()
    }

    #[test]
    fn an_absent_member_stays_null_clears_it_and_a_value_replaces_it_whole() {
        let known = r#"{"title":"t","state":{"state":"idle","stopReason":"end_turn"}}"#;
        assert_eq!(merge(known, r#"{"x":1}"#), known);
        assert_eq!(merge(known, r#"{"title":null}"#), r#"{"state":{"state":"idle","stopReason":"end_turn"}}"#);
        assert_eq!(merge(known, r#"{"state":{"state":"running"}}"#), r#"{"title":"t","state":{"state":"running"}}"#);
        for wrong in [r#"{"title":7}"#, r#"{"state":"idle"}"#, r#"{"cwd":{}}"#, r#"{"capabilities":[]}"#, "7"] {
            assert_eq!(merge(known, wrong), known, "{wrong}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let long = "ä".repeat(MAX_MEMBER);
        let update = format!(
            r#"{{"title":"{long}","description":"{long}","state":{{"state":"idle","stopReason":"error","error":"{long}"}},"capabilities":{{"cancel":{{}},"x":"{long}"}},"cwd":"{long}"}}"#
        );
        let known = known_of(Raw::parse(&update).unwrap());
        let title = known.as_raw().member("title").and_then(Raw::as_string).unwrap();
        assert!(title.len() <= MAX_TITLE && long.starts_with(&*title));
        assert_eq!(known.as_raw().path(&["state"]).unwrap().as_str(), r#"{"state":"idle","stopReason":"error"}"#);
        assert!(known.as_raw().member("capabilities").is_none() && known.as_raw().member("cwd").is_none());
        assert!(known.as_str().len() < 3 * MAX_MEMBER);
    }
}

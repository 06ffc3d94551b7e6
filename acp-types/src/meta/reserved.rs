//! Names that only the bridge may use: its methods, its kinds of updates, and its key.
//!
//! Clients believe what is said under these names. So nothing that comes from an agent may carry them, and nothing that
//! a client says under them reaches an agent.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::META_KEY;
use crate::{Raw, RawBuf, RawKind, escape, scan};

/// Prefix of the bridge's own methods, requests and notifications.
pub const METHOD_PREFIX: &str = "_acp-bridge/";

/// Kind of a `session/update`: a client has come.
pub const CLIENT_CONNECTED: &str = "client_connected";

/// Kind of a `session/update`: a client has gone.
pub const CLIENT_DISCONNECTED: &str = "client_disconnected";

/// Kind of a `session/update`: a permission request has its answer.
pub const PERMISSION_RESOLVED: &str = "permission_resolved";

/// The kinds of `session/update` that the bridge makes.
pub const UPDATE_KINDS: [&str; 3] = [CLIENT_CONNECTED, CLIENT_DISCONNECTED, PERMISSION_RESOLVED];

/// Objects whose member of our name is ours, wherever they stand.
const HOLDERS: [&str; 1] = ["_meta"];

/// The same in an error object.
const ERROR_HOLDERS: [&str; 2] = ["_meta", "data"];

static KEY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(META_KEY));
static CLIENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("client_"));
static PERMISSION: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("permission_"));
static ESCAPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\\u00"));

/// True if a method is one of the bridge's own.
#[must_use]
pub fn is_method(name: &str) -> bool {
    name.starts_with(METHOD_PREFIX)
}

/// The kind of the bridge's own updates that the params of a `session/update` have; whichever of duplicate members a
/// reader takes.
#[must_use]
pub fn update_kind(params: Raw<'_>) -> Option<&'static str> {
    let text = params.as_str().as_bytes();
    if CLIENT.find(text).is_none() && PERMISSION.find(text).is_none() && !may_spell(text) {
        return None;
    }
    let updates = params.raw_members().filter(|member| member.is("update"));
    let mut kinds = updates.flat_map(|update| update.value.raw_members().filter(|member| member.is("sessionUpdate")));
    kinds.find_map(|kind| {
        let is_text = kind.value.kind() == RawKind::String;
        UPDATE_KINDS.into_iter().find(|reserved| is_text && escape::is(kind.value.as_str(), reserved))
    })
}

/// A message's params or result without our key in any `_meta`, at whatever depth; `None` if it is in none.
#[must_use]
pub fn without_our_key(value: Raw<'_>) -> Option<RawBuf> {
    without(value, &HOLDERS)
}

/// An error object without our key in its `data` and in any `_meta`; `None` if it is in none.
#[must_use]
pub fn error_without_our_key(error: Raw<'_>) -> Option<RawBuf> {
    without(error, &ERROR_HOLDERS)
}

/// True if a text may have an ASCII letter, a hyphen or an underscore in an escape, so that a search for a word of ours
/// can miss it.
fn may_spell(text: &[u8]) -> bool {
    let spells =
        |digits: Option<&[u8]>| matches!(digits, Some([b'2', b'd' | b'D'] | [b'5', b'f' | b'F'] | [b'6' | b'7', _]));
    ESCAPE.find_iter(text).any(|at| spells(text.get(at + 4..at + 6)))
}

/// An open object or array.
struct Open {
    is_object: bool,
    /// It may have a member of ours.
    holds: bool,
    /// It has a member before the present one that stays.
    kept: bool,
}

/// Cuts members of our name out of objects that are the value of a member with one of the names in `holders`, in one
/// pass over the text, which was checked before.
fn without(value: Raw<'_>, holders: &[&str]) -> Option<RawBuf> {
    let text = value.as_str();
    let bytes = text.as_bytes();
    if KEY.find(bytes).is_none() && !may_spell(bytes) {
        return None;
    }
    let mut out = String::new();
    // Text before this position is in `out`, or was cut.
    let mut copied = 0;
    let mut kept_end = 0;
    let mut open: Vec<Open> = Vec::new();
    let mut holds = false;
    let mut key_is_due = false;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            b'{' | b'[' => {
                let is_object = byte == b'{';
                let is_held = std::mem::take(&mut holds);
                open.push(Open { is_object, holds: is_object && is_held, kept: false });
                key_is_due = is_object;
                at += 1;
            }
            b'}' | b']' => {
                open.pop();
                key_is_due = false;
                at += 1;
                kept_end = at;
            }
            b',' => {
                key_is_due = open.last().is_some_and(|open| open.is_object);
                at += 1;
            }
            b'"' if key_is_due => {
                let end = scan::skip_string(bytes, at);
                let key = &text[at..end];
                let value_start = scan::space(bytes, scan::space(bytes, end) + 1);
                let Some(object) = open.last_mut() else { break };
                if object.holds && escape::is(key, META_KEY) {
                    let end = scan::skip(bytes, value_start);
                    let (from, to) = if object.kept { (kept_end, end) } else { (at, behind_comma(bytes, end)) };
                    out.push_str(&text[copied..from.max(copied)]);
                    copied = to;
                    key_is_due = !object.kept;
                    at = to;
                } else {
                    object.kept = true;
                    holds = holders.iter().any(|holder| escape::is(key, holder));
                    key_is_due = false;
                    at = value_start;
                }
            }
            _ => {
                holds = false;
                let end = scan::skip(bytes, at);
                if end <= at {
                    break;
                }
                at = end;
                kept_end = at;
            }
        }
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&text[copied..]);
    Some(RawBuf::trusted(out))
}

/// Behind the comma that follows a member, and the space behind that; the member's end if none follows.
fn behind_comma(bytes: &[u8], end: usize) -> usize {
    let comma = scan::space(bytes, end);
    if bytes.get(comma) == Some(&b',') { scan::space(bytes, comma + 1) } else { end }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{error_without_our_key, is_method, update_kind, without_our_key};
    use crate::Raw;

    fn without(text: &str) -> Option<String> {
        without_our_key(Raw::parse(text).unwrap()).map(|raw| raw.as_str().to_owned())
    }

    #[test]
    fn our_methods_are_those_with_our_prefix() {
        assert!(is_method("_acp-bridge/turn_ended") && is_method("_acp-bridge/whatever"));
        assert!(!is_method("_acp-bridges/x") && !is_method("session/update"));
    }

    #[test]
    fn our_updates_are_known_however_they_are_written() {
        let kind = |text: &str| update_kind(Raw::parse(text).unwrap());
        for text in [
            r#"{"update":{"sessionUpdate":"client_connected"}}"#,
            r#"{"update":{"sessionUpdate":"client\u005fconnected"}}"#,
            r#"{"update":{"sessionUpdate":"\u0063lient_connected"}}"#,
            r#"{"\u0075pdate":{"session\u0055pdate":"client_connected"}}"#,
            r#"{"update":{"sessionUpdate":"plan","sessionUpdate":"client_connected","x":1}}"#,
            r#"{"update":{"sessionUpdate":"client_connected","sessionUpdate":"plan"}}"#,
            r#"{"update":{"sessionUpdate":"client_connected"},"update":{"sessionUpdate":"plan"}}"#,
        ] {
            assert_eq!(kind(text), Some("client_connected"), "{text}");
        }
        for text in [
            r#"{"update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"client_connected"}}}"#,
            r#"{"update":{"sessionUpdate":"client_connected_later"}}"#,
            r#"{"update":{"x":{"sessionUpdate":"permission_resolved"}},"sessionUpdate":"permission_resolved"}"#,
            r#"{"update":["permission_resolved"]}"#,
            "[]",
        ] {
            assert_eq!(kind(text), None, "{text}");
        }
    }

    #[test]
    fn our_key_is_cut_out_of_every_meta_and_nothing_else_changes() {
        for (given, wanted) in [
            (r#"{"_meta":{"acp-bridge":{"seq":1}}}"#, r#"{"_meta":{}}"#),
            (r#"{ "_meta" : { "acp-bridge" : 1 , "theirs" : 1e2 } }"#, r#"{ "_meta" : { "theirs" : 1e2 } }"#),
            (r#"{"_meta":{"theirs": 1 , "acp-bridge":[{}]},"n":1e2}"#, r#"{"_meta":{"theirs": 1},"n":1e2}"#),
            (r#"{"_meta":{"a":1,"acp-bridge":2,"b":3,"acp-bridge":4}}"#, r#"{"_meta":{"a":1,"b":3}}"#),
            (r#"{"_meta":{"acp-bridge":1,"acp-bridge":2,"b":3,"acp-bridge":4}}"#, r#"{"_meta":{"b":3}}"#),
            (r#"{"_meta":{"acp\u002dbridge":1}}"#, r#"{"_meta":{}}"#),
            (r#"{"\u005fmeta":{"\u0061cp-bridge":1,"x":"y"}}"#, r#"{"\u005fmeta":{"x":"y"}}"#),
            (
                r#"{"update":{"_meta":{"x":{"_meta":{"acp-bridge":1}},"acp-bridge":1}}}"#,
                r#"{"update":{"_meta":{"x":{"_meta":{}}}}}"#,
            ),
            (r#"[{"content":[{"_meta":{"acp-bridge":"},"},"t":"}"}]},2]"#, r#"[{"content":[{"_meta":{},"t":"}"}]},2]"#),
        ] {
            assert_eq!(without(given).as_deref(), Some(wanted), "{given}");
        }
    }

    #[test]
    fn the_name_means_nothing_elsewhere() {
        for text in [
            r#"{"acp-bridge":{"_meta":1}}"#,
            r#"{"_meta":"acp-bridge"}"#,
            r#"{"_meta":["acp-bridge",{"acp-bridge":1}]}"#,
            r#"{"_meta":{"x":{"acp-bridge":1}}}"#,
            r#"{"text":"\"_meta\":{\"acp-bridge\":1}"}"#,
            r#"{"data":{"acp-bridge":1}}"#,
            "\"acp-bridge\"",
            "{}",
        ] {
            assert_eq!(without(text), None, "{text}");
        }
    }

    #[test]
    fn an_error_has_it_in_its_data_too() {
        let error = r#"{"code":1,"message":"m","data":{"acp-bridge":{"outcome":"interrupted"},"_meta":{"acp-bridge":1},"n":1e2}}"#;
        let cut = error_without_our_key(Raw::parse(error).unwrap()).unwrap();
        assert_eq!(cut.as_str(), r#"{"code":1,"message":"m","data":{"_meta":{},"n":1e2}}"#);
    }

    /// The expected result, computed with a tree.
    fn cut(value: &mut Value, held: bool) {
        match value {
            Value::Object(members) => {
                if held {
                    members.remove("acp-bridge");
                }
                members.iter_mut().for_each(|(key, value)| cut(value, key == "_meta"));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| cut(item, false)),
            _ => {}
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(json!(null)), Just(json!(1)), Just(json!("_meta")), Just(json!("a\"\\}],{"))];
        leaf.prop_recursive(6, 64, 4, |inner| {
            let key = prop_oneof![Just("_meta"), Just("acp-bridge"), Just("x"), Just("y\"")];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((key.prop_map(str::to_owned), inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_the_value_what_is_left_is_what_a_tree_would_have(value in values(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let mut wanted = value;
            cut(&mut wanted, false);
            let left = without(&text).unwrap_or(text);
            prop_assert!(Raw::parse(&left).is_ok(), "{}", left);
            prop_assert_eq!(serde_json::from_str::<Value>(&left).unwrap(), wanted);
        }
    }
}

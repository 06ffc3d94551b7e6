//! Rewrites change what they name and no other byte.

use acp_types::rewrite::{ParamsEdit, params, remove_member, replace_id, set_member, set_path};
use acp_types::{Raw, RawKind, RequestId};
use proptest::prelude::*;

/// Objects whose keys are often the ones that are rewritten, plain or escaped, once or more than once.
fn object() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("1e2"),
        Just("123456789012345678901234567890"),
        Just("1.50"),
        Just("\"a\\u00e9\\\"}\""),
        Just("{ \"sessionId\" : [1e2 , {}] }"),
        Just("{\"acp-bridge\":0,\"theirs\":1.0}"),
        Just("{}"),
        Just("{ }"),
        Just("null"),
        Just("[{\"id\":1},2]"),
    ];
    let key = prop_oneof![
        Just("\"sessionId\""),
        Just("\"session\\u0049d\""),
        Just("\"_meta\""),
        Just("\"id\""),
        Just("\"a\""),
        Just("\"b\\n\""),
        Just("\"\""),
    ];
    let gap = || "[ \n]{0,1}";
    prop::collection::vec((gap(), key, gap(), value, gap()), 0..6).prop_map(|members| {
        let members: Vec<_> =
            members.into_iter().map(|(a, key, b, value, c)| format!("{a}{key}{b}:{a}{value}{c}")).collect();
        format!("{{{}}}", members.join(","))
    })
}

/// Key and exact text of each member whose key is not in `except`.
fn others<'a>(raw: Raw<'a>, except: &[&str]) -> Vec<(String, &'a str)> {
    let members = raw.members().filter(|(key, _)| !except.contains(&&**key));
    members.map(|(key, value)| (key.into_owned(), value.as_str())).collect()
}

fn keys(raw: Raw<'_>) -> Vec<String> {
    raw.members().map(|(key, _)| key.into_owned()).collect()
}

/// `text` with each value of `key` cut out: what a rewrite must leave as it is.
fn frame_of(raw: Raw<'_>, key: &str) -> String {
    let mut out = raw.as_str().to_owned();
    let values: Vec<_> = raw.members().filter(|(found, _)| found == key).map(|(_, value)| value).collect();
    for value in values.iter().rev() {
        out.replace_range(value.range_in(raw.as_str().as_bytes()), "_");
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn set_member_touches_no_other_byte(text in object(), key in prop::sample::select(vec!["sessionId", "a", "b\n", "new\""])) {
        let before = Raw::parse(&text).unwrap();
        let value = Raw::parse("{\"n\":1e2}").unwrap();
        let after = set_member(before, key, value);
        let raw = Raw::parse(after.as_str()).unwrap();
        prop_assert_eq!(raw.member(key), Some(value));
        prop_assert!(raw.members().filter(|(found, _)| found == key).all(|(_, found)| found == value));
        prop_assert_eq!(others(raw, &[key]), others(before, &[key]));
        if before.member(key).is_some() {
            prop_assert_eq!(frame_of(raw, key), frame_of(before, key));
        } else {
            let keys = keys(raw);
            prop_assert_eq!(keys.last().map(String::as_str), Some(key));
            let removed = remove_member(raw, key);
            prop_assert_eq!(removed.as_str(), &text);
        }
    }

    #[test]
    fn remove_member_leaves_the_others_as_they_are(text in object(), key in prop::sample::select(vec!["sessionId", "a", "_meta"])) {
        let before = Raw::parse(&text).unwrap();
        let after = remove_member(before, key);
        let raw = Raw::parse(after.as_str()).unwrap();
        prop_assert_eq!(raw.member(key), None);
        prop_assert_eq!(others(raw, &[]), others(before, &[key]));
    }

    #[test]
    fn set_path_reaches_its_end_and_keeps_the_siblings(text in object()) {
        let before = Raw::parse(&text).unwrap();
        let after = set_path(before, &["_meta", "acp-bridge", "seq"], Raw::parse("7").unwrap());
        let raw = Raw::parse(after.as_str()).unwrap();
        prop_assert_eq!(raw.path(&["_meta", "acp-bridge", "seq"]).and_then(Raw::as_u64), Some(7));
        prop_assert_eq!(others(raw, &["_meta"]), others(before, &["_meta"]));
    }

    #[test]
    fn params_equals_the_single_rewrites(text in object(), session: Option<String>, meta: bool) {
        let before = Raw::parse(&text).unwrap();
        let value = Raw::parse("{\"seq\":1}").unwrap();
        let edit = ParamsEdit { session_id: session.as_deref(), meta: meta.then_some(("acp-bridge", value)) };
        let after = params(before, &edit);
        let raw = Raw::parse(after.as_str()).unwrap();
        if let Some(id) = &session {
            let found = raw.member("sessionId").and_then(Raw::as_string);
            prop_assert_eq!(found.as_deref(), Some(id.as_str()));
        }
        if meta {
            prop_assert_eq!(raw.path(&["_meta", "acp-bridge"]), Some(value));
            for ((_, old), (_, new)) in before.members().zip(raw.members()).filter(|((key, _), _)| key == "_meta") {
                if old.kind() == RawKind::Object {
                    prop_assert_eq!(others(new, &["acp-bridge"]), others(old, &["acp-bridge"]));
                }
            }
        }
        let mut touched = Vec::new();
        touched.extend(session.is_some().then_some("sessionId"));
        touched.extend(meta.then_some("_meta"));
        prop_assert_eq!(others(raw, &touched), others(before, &touched));
        if touched.is_empty() {
            prop_assert_eq!(after.as_str(), &text);
        }
        let again = params(raw, &edit);
        prop_assert_eq!(again.as_str(), after.as_str(), "a second time changes nothing");
    }

    #[test]
    fn replace_id_comes_back_to_the_same_bytes(number: u64, other: u64) {
        let text = format!(r#"{{ "jsonrpc" : "2.0","method":"m","id" : {number} ,"params":{{"id":1e2}}}}"#);
        let changed = replace_id(text.as_bytes(), &RequestId::from(other)).unwrap();
        let back = replace_id(changed.as_str().as_bytes(), &RequestId::from(number)).unwrap();
        prop_assert_eq!(back.as_str(), text);
    }
}

//! Any object: rewrites yield JSON with the new value in it and every other member as it was; any other text, wrongly
//! trusted, never makes them panic.
#![no_main]

use acp_types::Raw;
use acp_types::rewrite::{ParamsEdit, params, remove_member, replace_id, set_member, set_path};
use acp_types::{RawKind, RequestId};
use libfuzzer_sys::fuzz_target;

fn others<'a>(raw: Raw<'a>, except: &[&str]) -> Vec<(String, &'a str)> {
    let members = raw.members().filter(|(key, _)| !except.contains(&&**key));
    members.map(|(key, value)| (key.into_owned(), value.as_str())).collect()
}

fuzz_target!(|text: &str| {
    let value = Raw::parse("{\"n\":1e2}").expect("a constant");
    let edit = ParamsEdit { session_id: Some("s\n"), meta: Some(("acp-bridge", value)) };
    let Ok(before) = Raw::parse(text) else {
        let wrong = Raw::trusted(text);
        let _ = (set_member(wrong, "a", value), remove_member(wrong, "a"), params(wrong, &edit));
        let _ = (set_path(wrong, &["a", "b"], value), replace_id(text.as_bytes(), &RequestId::from(1)));
        return;
    };
    let set = set_member(before, "a", value);
    assert_eq!(set.as_raw().member("a"), Some(value));
    assert!(serde_json::from_str::<&serde_json::value::RawValue>(set.as_str()).is_ok());
    let removed = remove_member(before, "a");
    assert!(serde_json::from_str::<&serde_json::value::RawValue>(removed.as_str()).is_ok());
    assert_eq!(removed.as_raw().member("a"), None);
    if before.kind() == RawKind::Object {
        assert_eq!(others(set.as_raw(), &["a"]), others(before, &["a"]));
        assert_eq!(others(removed.as_raw(), &[]), others(before, &["a"]));
        let edited = params(before, &edit);
        assert!(serde_json::from_str::<&serde_json::value::RawValue>(edited.as_str()).is_ok());
        assert_eq!(edited.as_raw().path(&["_meta", "acp-bridge"]), Some(value));
        assert_eq!(others(edited.as_raw(), &["sessionId", "_meta"]), others(before, &["sessionId", "_meta"]));
        assert_eq!(params(edited.as_raw(), &edit), edited);
    }
    let path = set_path(before, &["_meta", "b"], value);
    assert_eq!(path.as_raw().path(&["_meta", "b"]), Some(value));
});

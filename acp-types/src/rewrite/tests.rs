use super::{ParamsEdit, params, remove_member, replace_id, set_member, set_path};
use crate::{Raw, RequestId};

fn raw(text: &str) -> Raw<'_> {
    Raw::parse(text).unwrap()
}

#[test]
fn a_member_is_replaced_where_it_stands_or_added_at_the_end() {
    for (object, wanted) in [
        (r#"{}"#, r#"{"k":9}"#),
        (r#"{ }"#, r#"{"k":9 }"#),
        ("null", r#"{"k":9}"#),
        (r#"{ "a" : 1e2 }"#, r#"{ "a" : 1e2,"k":9 }"#),
        (r#"{"k" : {"k":1}, "b":2}"#, r#"{"k" : 9, "b":2}"#),
        (r#"{"k":1,"a":2,"\u006b":3}"#, r#"{"k":9,"a":2,"\u006b":9}"#),
    ] {
        assert_eq!(set_member(raw(object), "k", raw("9")).as_str(), wanted);
    }
}

#[test]
fn a_path_makes_the_objects_that_it_needs() {
    for (object, wanted) in [
        (r#"{}"#, r#"{"a":{"b":{"c":1}}}"#),
        (r#"{"a":null,"z":1e2}"#, r#"{"a":{"b":{"c":1}},"z":1e2}"#),
        (r#"{"a":{"x":1, "b":{"c":0,"d":2}}}"#, r#"{"a":{"x":1, "b":{"c":1,"d":2}}}"#),
        (r#"{"a":[1]}"#, r#"{"a":{"b":{"c":1}}}"#),
    ] {
        assert_eq!(set_path(raw(object), &["a", "b", "c"], raw("1")).as_str(), wanted);
    }
    assert_eq!(set_path(raw("{}"), &[], raw("1")).as_str(), "1");
}

#[test]
fn a_removed_member_takes_its_comma_along() {
    for (object, wanted) in [
        (r#"{"k":1}"#, "{}"),
        (r#"{ "k":1 }"#, "{  }"),
        (r#"{"k":1,"a":2}"#, r#"{"a":2}"#),
        (r#"{"a":2, "k":1}"#, r#"{"a":2}"#),
        (r#"{"a":2,"k":1,"b":3}"#, r#"{"a":2,"b":3}"#),
        (r#"{"k":0,"k":1,"a":2,"k":3,"k":4,"b":5,"k":6}"#, r#"{"a":2,"b":5}"#),
        (r#"{"a":1}"#, r#"{"a":1}"#),
        ("[1]", "[1]"),
    ] {
        assert_eq!(remove_member(raw(object), "k").as_str(), wanted, "{object}");
    }
}

#[test]
fn only_the_frames_own_id_is_replaced() {
    let frame = br#"{"jsonrpc":"2.0","id":"x","method":"m","params":{"id":1}}"#;
    let wanted = r#"{"jsonrpc":"2.0","id":7,"method":"m","params":{"id":1}}"#;
    assert_eq!(replace_id(frame, &RequestId::from(7)).unwrap().as_str(), wanted);
    assert_eq!(replace_id(br#"{"jsonrpc":"2.0","method":"m"}"#, &RequestId::from(7)), None);
    assert_eq!(replace_id(b"\xff", &RequestId::from(7)), None);
}

#[test]
fn session_id_and_meta_key_are_set_in_one_pass() {
    let edit = ParamsEdit { session_id: Some("s\"1"), meta: Some(("ours", raw("{\"seq\":1}"))) };
    for (object, wanted) in [
        (r#"{}"#, r#"{"sessionId":"s\"1","_meta":{"ours":{"seq":1}}}"#),
        (r#"{"a":1}"#, r#"{"a":1,"sessionId":"s\"1","_meta":{"ours":{"seq":1}}}"#),
        (
            r#"{"sessionId":"x","u":{"sessionId":"x"}}"#,
            r#"{"sessionId":"s\"1","u":{"sessionId":"x"},"_meta":{"ours":{"seq":1}}}"#,
        ),
        (
            r#"{"_meta":{"theirs":1e2},"sessionId":"x"}"#,
            r#"{"_meta":{"theirs":1e2,"ours":{"seq":1}},"sessionId":"s\"1"}"#,
        ),
        (r#"{"_meta":null}"#, r#"{"_meta":{"ours":{"seq":1}},"sessionId":"s\"1"}"#),
        (r#"{"_meta":{"ours":0,"b":1}}"#, r#"{"_meta":{"ours":{"seq":1},"b":1},"sessionId":"s\"1"}"#),
        ("[1]", "[1]"),
    ] {
        assert_eq!(params(raw(object), &edit).as_str(), wanted);
    }
    assert_eq!(params(raw("{ }"), &ParamsEdit::default()).as_str(), "{ }");
}

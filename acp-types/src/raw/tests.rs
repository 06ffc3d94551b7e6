use super::{Raw, RawBuf, RawKind};
use crate::ScanError;

#[test]
fn whitespace_around_a_value_is_cut_off() {
    assert_eq!(Raw::parse(" \t\r\n{} \n").unwrap().as_str(), "{}");
    assert_eq!(RawBuf::parse(" 1 ").unwrap().as_str(), "1");
    assert_eq!(Raw::parse("{} 1"), Err(ScanError::Trailing { offset: 3 }));
}

#[test]
fn the_last_of_duplicate_members_is_read() {
    let raw = Raw::parse(r#"{"a":1,"b":[{"a":9}],"\u0061":2}"#).unwrap();
    assert_eq!(raw.member("a").unwrap().as_u64(), Some(2));
    assert_eq!(raw.members().count(), 3);
    let [b, a, none] = raw.pick(["b", "a", "c"]);
    assert_eq!((b.unwrap().as_str(), a.unwrap().as_str(), none), (r#"[{"a":9}]"#, "2", None));
}

#[test]
fn a_path_ends_at_anything_that_is_not_an_object() {
    let raw = Raw::parse(r#"{"a":{"b":{"c":true}},"d":[1]}"#).unwrap();
    assert_eq!(raw.path(&["a", "b", "c"]).unwrap().as_bool(), Some(true));
    assert_eq!(raw.path(&["d", "0"]), None);
    assert_eq!(raw.path(&[]), Some(raw));
}

#[test]
fn elements_are_walked_in_order() {
    let raw = Raw::parse(r#"[ 1 ,"a,]", {"x":[]} , [2,3],null ]"#).unwrap();
    let texts: Vec<_> = raw.elements().map(Raw::as_str).collect();
    assert_eq!(texts, ["1", "\"a,]\"", "{\"x\":[]}", "[2,3]", "null"]);
    assert_eq!(Raw::EMPTY_OBJECT.elements().count(), 0);
}

#[test]
fn only_plain_integers_that_fit_are_u64() {
    for (text, value) in [
        ("7", Some(7)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("-1", None),
        ("1.0", None),
    ] {
        assert_eq!(Raw::parse(text).unwrap().as_u64(), value, "{text}");
    }
}

#[test]
fn a_value_knows_where_it_lies_in_its_line() {
    let line = r#"{"a": [1,2] }"#;
    let value = Raw::parse(line).unwrap().member("a").unwrap();
    assert_eq!(value.range_in(line.as_bytes()), 6..11);
    assert_eq!(Raw::NULL.range_in(line.as_bytes()), 0..0);
    assert_eq!(value.kind(), RawKind::Array);
}

#[test]
fn text_that_was_wrongly_trusted_never_panics() {
    for text in ["", "{", "{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"\\é\":1}", "[", "[1", "[,", "{]", "\"", "\"\\"] {
        let raw = Raw::trusted(text);
        let _ = (raw.members().count(), raw.elements().count(), raw.as_string(), raw.kind(), raw.member("a"));
    }
}

#[test]
fn a_present_null_is_told_from_an_absent_member() {
    #[derive(serde::Deserialize)]
    struct Answer {
        #[serde(default, deserialize_with = "super::present")]
        result: Option<RawBuf>,
    }
    let answer: Answer = serde_json::from_str(r#"{"result":null}"#).unwrap();
    assert_eq!(answer.result, Some(RawBuf::default()));
    let answer: Answer = serde_json::from_str("{}").unwrap();
    assert_eq!(answer.result, None);
}

#[test]
fn debug_output_does_not_leak_payloads() {
    let raw = RawBuf::encode(&"s".repeat(1000)).unwrap();
    assert!(format!("{raw:?}").len() < 80);
}

#[test]
fn embedded_json_survives_serde_byte_for_byte() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Holder {
        body: RawBuf,
    }
    let text = r#"{"body":{"n":1e2,"big":123456789012345678901234567890,"z":1,"a": [ 1 ]}}"#;
    let holder: Holder = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&holder).unwrap(), text);
}

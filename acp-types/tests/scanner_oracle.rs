//! The scanner accepts exactly what serde_json accepts.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeMap;

use acp_types::{Raw, RawKind, ScanError};
use proptest::prelude::*;
use serde_json::value::RawValue;

const CASES: u32 = 2000;

/// Well-formed JSON text with spacing, escapes and number forms that serde would never write.
pub fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?",
        string(),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec((space(), inner.clone(), space()), 0..5).prop_map(|items| {
                let items: Vec<_> = items.into_iter().map(|(a, item, b)| a + &item + &b).collect();
                format!("[{}]", items.join(","))
            }),
            prop::collection::vec((space(), string(), space(), inner, space()), 0..5).prop_map(|members| {
                let members: Vec<_> =
                    members.into_iter().map(|(a, key, b, value, c)| format!("{a}{key}{b}:{a}{value}{c}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn space() -> impl Strategy<Value = String> {
    "[ \t\r\n]{0,2}"
}

fn string() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[a-z]{0,12}",
        "[^\"\\\\\\p{Cc}]{0,4}",
        r#"\\["\\/bfnrt]"#,
        r"\\u00[0-9a-fA-F]{2}",
        r"\\ud83d\\ude00",
    ];
    prop::collection::vec(part, 0..4).prop_map(|parts| format!("\"{}\"", parts.concat()))
}

/// Deletes, duplicates or replaces a byte or cuts the text.
fn mutate(mut text: String, edits: &[(u8, usize, u8)]) -> String {
    for &(edit, at, byte) in edits {
        let boundaries: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let Some(&at) = boundaries.get(at % boundaries.len().max(1)) else { return text };
        let c = text[at..].chars().next().unwrap();
        let structural = char::from(b"{}[]\",:\\0e-.tnu \n\x01"[usize::from(byte) % 18]);
        match edit % 4 {
            0 => {
                text.remove(at);
            }
            1 => text.insert(at, c),
            2 => text.replace_range(at..at + c.len_utf8(), &structural.to_string()),
            _ => text.insert(at, structural),
        }
    }
    text
}

fn oracle(text: &str) -> Option<&str> {
    serde_json::from_str::<&RawValue>(text).ok().map(RawValue::get)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn well_formed_text_is_accepted_whole(text in json()) {
        let raw = Raw::parse(&text);
        prop_assert_eq!(raw.map(Raw::as_str), Ok(text.trim_ascii()));
    }

    #[test]
    fn mutated_text_is_judged_as_serde_json_judges_it(
        text in json(),
        edits in prop::collection::vec((any::<u8>(), any::<usize>(), any::<u8>()), 1..4),
    ) {
        let text = mutate(text, &edits);
        match Raw::parse(&text) {
            Ok(raw) => prop_assert_eq!(Some(raw.as_str()), oracle(&text), "{}", text),
            Err(ScanError::TooDeep { .. }) => {}
            Err(error) => {
                prop_assert_eq!(None, oracle(&text), "{}", text);
                prop_assert!(error.offset() <= text.len());
            }
        }
    }

    #[test]
    fn members_elements_and_strings_read_as_serde_json_reads_them(text in json()) {
        check_tree(Raw::parse(&text).unwrap());
    }

    #[test]
    fn arbitrary_text_that_is_trusted_never_panics(text in "[\\[\\]{}\",:\\\\ a0é\n]{0,40}") {
        let raw = Raw::trusted(&text);
        for (_, value) in raw.members() {
            let _ = value.elements().count();
        }
        let _ = (raw.elements().count(), raw.as_string(), raw.as_u64(), raw.path(&["a", "0"]));
    }
}

fn check_tree(raw: Raw<'_>) {
    match raw.kind() {
        RawKind::Object => {
            let value: BTreeMap<String, &RawValue> = serde_json::from_str(raw.as_str()).unwrap();
            for (key, expected) in &value {
                let member = raw.member(key).unwrap();
                assert_eq!(member.as_str(), expected.get(), "the last duplicate wins");
            }
            for (key, member) in raw.members() {
                assert!(value.contains_key(&*key));
                check_tree(member);
            }
        }
        RawKind::Array => {
            let expected: Vec<&RawValue> = serde_json::from_str(raw.as_str()).unwrap();
            let found: Vec<&str> = raw.elements().map(Raw::as_str).collect();
            assert_eq!(found, expected.iter().map(|item| item.get()).collect::<Vec<_>>());
            raw.elements().for_each(check_tree);
        }
        RawKind::String => assert_eq!(raw.as_string().as_deref(), Some(raw.decode::<String>().unwrap().as_str())),
        _ => {}
    }
}

//! Decoding of what peers send: as serde_json does it, but for text that holds half a surrogate pair.
//!
//! `"\ud83d"` is legal JSON (RFC 8259, section 8.2), and programs write it when they cut a string between the two
//! halves of a character. serde_json refuses it as text, and with it the whole message. Here it reads as U+FFFD, the
//! replacement character, as a browser or Node.js shows it. All that decodes bytes of a peer goes through this module;
//! what only passes bytes on does not look at them and changes nothing.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

use crate::scan;

const ESCAPE: usize = r"\u0000".len();
const REPLACEMENT: &str = r"\ufffd";

/// Decodes a value; half a surrogate pair reads as U+FFFD.
///
/// # Errors
/// When the text is not JSON or does not have the shape of `T`.
pub fn from_str<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    serde_json::from_str(&well_formed(text))
}

/// Decodes a value from bytes; half a surrogate pair reads as U+FFFD.
///
/// # Errors
/// When the bytes are not JSON in UTF-8 or do not have the shape of `T`.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(&well_formed_slice(bytes))
}

/// The text with `\ufffd` in place of every escape that names half a surrogate pair. Nothing moves: the result is as
/// long as the text, and borrowed when there is nothing to replace.
///
/// For types that borrow: decode them from the result.
#[must_use]
pub fn well_formed(text: &str) -> Cow<'_, str> {
    let mut out = Cow::Borrowed(text);
    for at in LoneSurrogates::of(text.as_bytes()) {
        // An escape is ASCII, so both ends of it are character boundaries.
        out.to_mut().replace_range(at..at + ESCAPE, REPLACEMENT);
    }
    out
}

/// As [`well_formed`], for bytes that may not even be text.
#[must_use]
pub fn well_formed_slice(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Cow::Borrowed(bytes);
    for at in LoneSurrogates::of(bytes) {
        out.to_mut()[at..at + ESCAPE].copy_from_slice(REPLACEMENT.as_bytes());
    }
    out
}

/// Positions of escapes that name half a surrogate pair.
struct LoneSurrogates<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> LoneSurrogates<'a> {
    const fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next escape of a surrogate from `self.at` on. The backslash of an escape has an even number of backslashes
    /// before it; those of an odd number are text.
    fn next_surrogate(&mut self) -> Option<(usize, u16)> {
        loop {
            let at = self.at + memchr::memchr(b'\\', self.bytes.get(self.at..)?)?;
            // A backslash and what it escapes, whatever that is.
            self.at = at + 2;
            if let Some(unit) = scan::utf16_escape(self.bytes, at).filter(|unit| (0xd800..0xe000).contains(unit)) {
                self.at = at + ESCAPE;
                return Some((at, unit));
            }
        }
    }
}

impl Iterator for LoneSurrogates<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        loop {
            let (at, unit) = self.next_surrogate()?;
            let follower = scan::utf16_escape(self.bytes, at + ESCAPE);
            if unit < 0xdc00 && follower.is_some_and(|unit| (0xdc00..0xe000).contains(&unit)) {
                self.at = at + 2 * ESCAPE;
            } else {
                return Some(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde_json::Value;

    use super::{from_slice, from_str, well_formed, well_formed_slice};

    #[test]
    fn half_a_pair_reads_as_the_replacement_character_and_nothing_else_changes() {
        for (text, wanted) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\uDE00b""#, "\u{fffd}b"),
            (r#""\ud83d\ude00""#, "\u{1f600}"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
            (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83dude00""#, "\u{fffd}ude00"),
            (r#""\ud83d\n""#, "\u{fffd}\n"),
            (r#""\\ud83d""#, r"\ud83d"),
            (r#""\\\ud83d\\""#, "\\\u{fffd}\\"),
            (r#""\u005cud83d""#, r"\ud83d"),
            (r#""\u00e9\ud7ff\ue000é""#, "é\u{d7ff}\u{e000}é"),
        ] {
            assert_eq!(from_str::<String>(text).unwrap(), wanted, "{text}");
            assert_eq!(from_slice::<String>(text.as_bytes()).unwrap(), wanted, "{text}");
            assert_eq!(well_formed(text).len(), text.len());
            assert_eq!(&*well_formed_slice(text.as_bytes()), well_formed(text).as_bytes());
        }
    }

    #[test]
    fn keys_are_read_too() {
        let value: Value = from_str(r#"{"\udfff":["\ud800"]}"#).unwrap();
        assert_eq!(value, serde_json::json!({ "\u{fffd}": ["\u{fffd}"] }));
    }

    #[test]
    fn text_without_lone_surrogates_is_not_copied() {
        for text in [r#"{"a":"\ud83d\ude00\\ud83d\u0041"}"#, "", "\\", "\\u", "\\ud8", "\\ud83", "\\\\"] {
            assert!(matches!(well_formed(text), Cow::Borrowed(_)), "{text}");
            assert!(matches!(well_formed_slice(text.as_bytes()), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_stays_an_error() {
        for text in [r#""\ud83d"#, r#""\ud8""#, r#"{"a":"\ud83d",}"#, "\\ud83d"] {
            assert!(from_str::<Value>(text).is_err(), "{text}");
        }
        assert!(from_slice::<Value>(b"\"\\ud83d\xff\"").is_err());
    }

    proptest::proptest! {
        #[test]
        fn every_string_literal_is_read(
            pieces in proptest::collection::vec(
                proptest::prop_oneof![
                    proptest::strategy::Just("\\\\".to_owned()),
                    proptest::strategy::Just("ud83d".to_owned()),
                    (0_u16..=0xffff).prop_map(|unit| format!("\\u{unit:04x}")),
                    (0xd7f0_u16..=0xe00f).prop_map(|unit| format!("\\u{unit:04X}")),
                    "[a-zé]",
                ],
                0..12,
            )
        ) {
            let text = format!("\"{}\"", pieces.concat());
            let wanted = String::from_utf16_lossy(&units(&text[1..text.len() - 1]));
            proptest::prop_assert_eq!(from_str::<String>(&text).unwrap(), wanted);
        }
    }

    use proptest::strategy::Strategy as _;

    /// The literal as UTF-16 code units, as a JavaScript engine would hold it.
    fn units(mut inner: &str) -> Vec<u16> {
        let mut units = Vec::new();
        while let Some(character) = inner.chars().next() {
            if let Some(rest) = inner.strip_prefix("\\u") {
                units.push(u16::from_str_radix(&rest[..4], 16).unwrap());
                inner = &rest[4..];
            } else if let Some(rest) = inner.strip_prefix("\\\\") {
                units.push(u16::from(b'\\'));
                inner = rest;
            } else {
                units.extend(character.encode_utf16(&mut [0; 2]).iter());
                inner = &inner[character.len_utf8()..];
            }
        }
        units
    }
}

//! JSON string literals: writing them, reading them, comparing a literal with plain text.

use std::borrow::Cow;

use crate::json;

/// Appends `text` as a JSON string literal with its quotes.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate() {
        if !needs_escape(byte) {
            continue;
        }
        // An escaped byte is ASCII, so both ends of the slice are character boundaries.
        out.push_str(&text[copied..at]);
        copied = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => {
                out.push_str("\\u00");
                out.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
                out.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
            }
        }
    }
    out.push_str(&text[copied..]);
    out.push('"');
}

/// Length of the literal that [`push_string`] writes.
pub(crate) fn string_len(text: &str) -> usize {
    let escapes: usize = text
        .bytes()
        .filter(|&byte| needs_escape(byte))
        .map(|byte| if matches!(byte, b'"' | b'\\' | b'\n' | b'\r' | b'\t') { 1 } else { 5 })
        .sum();
    text.len() + escapes + 2
}

const fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// The text of a literal; `None` for one that names half a surrogate pair, which no Unicode text has.
pub(crate) fn decode(literal: &str) -> Option<Cow<'_, str>> {
    let inner = literal.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(literal).ok().map(Cow::Owned)
}

/// The text of a literal, with U+FFFD for half a surrogate pair.
pub(crate) fn decode_lossy(literal: &str) -> Option<Cow<'_, str>> {
    decode(literal).or_else(|| {
        let literal = literal.starts_with('"').then(|| json::well_formed(literal))?;
        serde_json::from_str(&literal).ok().map(Cow::Owned)
    })
}

/// True if a literal stands for `text`, with any escapes.
#[inline]
pub(crate) fn is(literal: &str, text: &str) -> bool {
    let inner = literal.as_bytes().get(1..literal.len().saturating_sub(1)).unwrap_or_default();
    // Only a literal longer than the text can hold an escape that stands for it.
    if inner.len() <= text.len() {
        inner == text.as_bytes() && !inner.contains(&b'\\')
    } else {
        inner.contains(&b'\\') && decode(literal).is_some_and(|decoded| decoded == text)
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, decode_lossy, is, push_string, string_len};

    #[test]
    fn literals_are_written_as_serde_json_writes_their_meaning() {
        let all: String = (0..=0x2ff).filter_map(char::from_u32).chain(['\u{2028}', '\u{1f600}']).collect();
        for text in ["", "plain", "a\"b\\c", &all] {
            let mut out = String::new();
            push_string(&mut out, text);
            assert_eq!(out.len(), string_len(text));
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
            assert_eq!(decode(&out).unwrap(), text);
            assert!(is(&out, text));
            assert!(!out.contains('\n'));
        }
    }

    #[test]
    fn a_key_is_compared_by_what_it_means() {
        assert!(is("\"id\"", "id"));
        assert!(is("\"\\u0069d\"", "id"));
        assert!(!is("\"idx\"", "id"));
        assert!(!is("\"a\\b\"", "a\\b"));
        assert!(is("\"a\\\\b\"", "a\\b"));
        assert!(!is("\"\\ud800\"", "\u{fffd}"));
        assert_eq!(decode("\"\\ud800\""), None);
        assert_eq!(decode_lossy("\"\\ud800\"").unwrap(), "\u{fffd}");
        assert_eq!(decode_lossy("{\"a\":\"\\ud800\"}"), None);
    }
}

//! Text that is cut to the size that it has in a message.
//!
//! A length is that of the JSON: a control character has one byte in memory and six in a message.

/// Length of a text in a message, in bytes, without its quotes.
#[must_use]
pub fn encoded(text: &str) -> usize {
    text.chars().map(cost).sum()
}

/// The text, or its beginning and its end around a note of what is left out, together about `most` bytes in a message.
#[must_use]
pub fn ends(text: String, most: usize) -> String {
    match around(&text, most) {
        Some((head, missing, tail)) => format!("{head}\n[{missing} bytes are left out here]\n{tail}"),
        None => text,
    }
}

/// The beginning and the end of a text, together of at most `most` bytes in a message, and how many bytes are between them;
/// `None` if the text is not longer.
#[must_use]
pub fn around(text: &str, most: usize) -> Option<(&str, usize, &str)> {
    // No character takes more than six bytes for each that it has.
    if text.len().saturating_mul(6) <= most || encoded(text) <= most {
        return None;
    }
    let head = reach(text.chars(), most / 2);
    let tail = text.len() - reach(text[head..].chars().rev(), most / 2);
    Some((&text[..head], tail - head, &text[tail..]))
}

/// The text in parts of at most `most` bytes in a message each, or of one character.
#[must_use]
pub fn parts(mut text: &str, most: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    while !text.is_empty() {
        let first = text.chars().next().map_or(0, char::len_utf8);
        let (part, rest) = text.split_at(reach(text.chars(), most).max(first));
        parts.push(part);
        text = rest;
    }
    parts
}

/// Length in memory, in bytes, of the first characters that take at most `most` in a message.
fn reach(characters: impl Iterator<Item = char>, most: usize) -> usize {
    let mut taken = 0;
    let within = characters.take_while(|c| {
        taken += cost(*c);
        taken <= most
    });
    within.map(char::len_utf8).sum()
}

/// As serde_json writes it.
const fn cost(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        c => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{encoded, ends, parts};

    #[test]
    fn too_much_text_keeps_both_ends() {
        let short = ends(format!("begin{}end", "é".repeat(5000)), 1000);
        assert!(short.starts_with("begin") && short.ends_with("end"), "{short}");
        assert!(short.contains("bytes are left out here"));
        assert!(encoded(&short) < 1100);
    }

    #[test]
    fn text_of_control_characters_is_cut_by_what_it_becomes() {
        let short = ends("\u{1}".repeat(3 << 20), 8 << 20);
        assert!(short.len() < 2 << 20, "{}", short.len());
        assert!(encoded(&short) < (8 << 20) + 100);
    }

    proptest! {
        #[test]
        fn the_length_is_that_of_serde_json(text: String) {
            prop_assert_eq!(encoded(&text) + 2, serde_json::to_string(&text).unwrap_or_default().len());
        }

        #[test]
        fn parts_are_the_text(text in "(\\PC|[\u{0}-\u{1f}]){0,60}", most in 1_usize..20) {
            let parts = parts(&text, most);
            prop_assert_eq!(parts.concat(), text.as_str());
            prop_assert!(parts.iter().all(|part| encoded(part) <= most || part.chars().count() == 1));
        }

        #[test]
        fn what_is_kept_is_of_the_text(text in "(\\PC|[\u{0}-\u{1f}]){0,60}", most in 0_usize..80) {
            let cut = ends(text.clone(), most);
            if encoded(&text) <= most {
                prop_assert_eq!(cut, text);
            } else {
                let (head, rest) = cut.split_once("\n[").unwrap_or_default();
                prop_assert!(text.starts_with(head), "{:?}", cut);
                prop_assert!(rest.contains("bytes are left out here]\n"), "{:?}", cut);
            }
        }
    }
}

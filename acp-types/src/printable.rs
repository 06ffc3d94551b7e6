//! Text from outside, made fit for a terminal: what a terminal obeys or hides is shown instead.
//!
//! A terminal takes orders from the text that it prints: move the cursor, clear the line above, set the title. And some
//! characters cannot be seen, or turn the order of those around them. [`line()`] and [`text()`] replace each of these by a
//! visible name (`\x1b`, `\n`, `\u{202e}`), so that what a person reads is what is there. Both look at one character at a
//! time: an order that is split between two pieces of a stream is shown as well as one in a single piece.
//!
//! Each function returns text that it leaves unchanged when it is given it again.

mod bytes;
mod class;

use std::borrow::Cow;
use std::fmt::Write as _;

pub use bytes::{LineWriter, Pieces};
use class::{Class, class};

/// Text of one line, for names, titles, paths and commands: line ends and tabs are shown too.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    replace(text, name_in_line)
}

/// Text of any number of lines: line ends (`\n`, `\r\n`) and tabs stay.
#[must_use]
pub fn text(text: &str) -> Cow<'_, str> {
    if text.contains("\r\n") {
        return Cow::Owned(replace(&text.replace("\r\n", "\n"), name_in_text).into_owned());
    }
    replace(text, name_in_text)
}

/// JSON on one line with the same meaning: the characters are escaped as JSON has it.
#[must_use]
pub fn json(json: &str) -> Cow<'_, str> {
    replace(json, |out, char| {
        if matches!(char, '\n' | '\r' | '\t') {
            // JSON has them between its tokens only.
            out.push(' ');
            return;
        }
        for unit in char.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

/// Hands each character that must not reach a terminal to `name`, and `\n` and `\t`, which may be fine.
fn replace(text: &str, name: impl Fn(&mut String, char)) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut copied = 0;
    let mut before = Class::Visible;
    for (at, char) in text.char_indices() {
        let class = class(char);
        let is_shown = match class {
            Class::Visible | Class::Wide => true,
            // They shape the letter or picture before them, and are a way to hide data anywhere else.
            Class::Joiner => matches!(before, Class::Wide | Class::Variation),
            Class::Variation => before == Class::Wide,
            Class::Hidden => false,
        };
        before = if is_shown { class } else { Class::Hidden };
        if !is_shown {
            out.push_str(&text[copied..at]);
            copied = at + char.len_utf8();
            name(&mut out, char);
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

fn name_in_line(out: &mut String, char: char) {
    // Writing to a string does not fail.
    let _ = match char {
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        '\0'..='\u{7f}' => write!(out, "\\x{:02x}", u32::from(char)),
        _ => write!(out, "\\u{{{:x}}}", u32::from(char)),
    };
}

fn name_in_text(out: &mut String, char: char) {
    if matches!(char, '\n' | '\t') { out.push(char) } else { name_in_line(out, char) }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::{Pieces, json, line, text};

    /// True if a terminal would obey, hide or reorder a part of the text.
    fn is_raw(char: char) -> bool {
        char.is_control() || matches!(u32::from(char), 0x202a..=0x202e | 0x2066..=0x2069 | 0x2028 | 0x2029 | 0x200b)
    }

    #[test]
    fn what_a_terminal_obeys_is_shown() {
        for (given, shown) in [
            ("\x1b]0;x\x07\x1b[2J", r"\x1b]0;x\x07\x1b[2J"),
            ("rm -rf ~\x1b[2K\r[asks: ls]", r"rm -rf ~\x1b[2K\r[asks: ls]"),
            ("\u{9b}2J\u{7f}\0", r"\u{9b}2J\x7f\x00"),
            ("a\u{202e}b\u{2066}c\u{200f}", r"a\u{202e}b\u{2066}c\u{200f}"),
            ("a\u{2028}b\u{feff}c\u{200b}d\u{e0041}", r"a\u{2028}b\u{feff}c\u{200b}d\u{e0041}"),
        ] {
            assert_eq!(line(given), shown);
            assert_eq!(text(given), shown);
        }
    }

    #[test]
    fn a_line_shows_its_line_ends_and_a_text_keeps_them() {
        assert_eq!(line("a\nb\tc\r\n"), r"a\nb\tc\r\n");
        assert_eq!(text("a\nb\tc\r\nd\re"), "a\nb\tc\nd\\re");
    }

    #[test]
    fn letters_and_pictures_of_every_script_stay() {
        for plain in [
            "",
            "plain",
            "~^\\x1b",
            "Grüße 日本語",
            "👨\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}\u{200d}🔥",
            "می\u{200c}خواهم",
            "e\u{301}",
        ] {
            assert!(matches!(line(plain), Cow::Borrowed(same) if same == plain), "{plain:?}");
            assert!(matches!(text(plain), Cow::Borrowed(same) if same == plain), "{plain:?}");
        }
    }

    #[test]
    fn joiners_and_variation_selectors_are_shown_where_they_shape_nothing() {
        assert_eq!(line("r\u{200d}m"), r"r\u{200d}m");
        assert_eq!(line("\u{200c}"), r"\u{200c}");
        assert_eq!(line("🙂\u{fe01}\u{fe02}\u{fe03}"), "🙂\u{fe01}\\u{fe02}\\u{fe03}");
        assert_eq!(line("é\u{200d}\u{200d}"), "é\u{200d}\\u{200d}");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let given = "{\"a\u{9b}\u{7f}\u{202e}\u{e0041}\":\n\t\"\\n👨\u{200d}👩\"}";
        let shown = json(given);
        assert_eq!(shown, "{\"a\\u009b\\u007f\\u202e\\udb40\\udc41\":  \"\\n👨\u{200d}👩\"}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&shown), value(given));
    }

    #[test]
    fn bytes_are_shown_however_they_are_cut() {
        let given = "ab\u{9b}2J\x1b[2K 日本\n".as_bytes();
        for cut in 0..given.len() {
            let mut pieces = Pieces::default();
            let shown = pieces.push(&given[..cut]) + &pieces.push(&given[cut..]) + &pieces.finish();
            assert_eq!(shown, "ab\\u{9b}2J\\x1b[2K 日本\n", "cut at {cut}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_a_rest_is_not_lost() {
        let mut pieces = Pieces::default();
        assert_eq!(pieces.push(b"a\xffb\xe6\x97"), "a\u{fffd}b");
        assert_eq!(pieces.push(b"\x9b"), "\u{65db}");
        assert_eq!(pieces.push(b"\xe6"), "");
        assert_eq!(pieces.finish(), "\u{fffd}");
        assert_eq!(pieces.finish(), "");
    }

    #[test]
    fn what_is_written_to_a_log_at_once_is_one_line() {
        use std::io::Write as _;

        let mut out = Vec::new();
        let mut log = super::LineWriter::new(&mut out);
        log.write_all(b"WARN name=\x1b[31m\xc2\x9b\nWARN forged\n").unwrap();
        log.write_all(b"no end").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "WARN name=\\x1b[31m\\u{9b}\\nWARN forged\nno end");
    }

    proptest! {
        #[test]
        fn nothing_raw_is_left_and_twice_is_once(given in any::<String>()) {
            let one_line = line(&given).into_owned();
            prop_assert!(!one_line.contains(is_raw));
            prop_assert_eq!(line(&one_line), one_line.as_str());
            let many = text(&given).into_owned();
            prop_assert!(!many.contains(|c| is_raw(c) && !matches!(c, '\n' | '\t')));
            prop_assert_eq!(text(&many), many.as_str());
        }

        #[test]
        fn any_bytes_in_any_pieces_leave_nothing_raw(given in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..9)) {
            let mut pieces = Pieces::default();
            let mut shown: String = given.iter().map(|bytes| pieces.push(bytes)).collect();
            shown += &pieces.finish();
            prop_assert!(!shown.contains(|c| is_raw(c) && !matches!(c, '\n' | '\t')));
        }
    }
}

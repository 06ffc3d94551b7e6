//! Text that a command has printed, bounded: its beginning and its end.

use acp_types::Raw;

/// Bytes kept of the beginning, and as many of the end, in the form in which they go on the wire.
pub(super) const HALF: usize = 64 * 1024;

/// Words in place of what was printed before anybody listened.
const BEGINNING: &str = r"[earlier output is not shown]\n";

/// Output of one command, as the inside of a JSON literal, so that its size is that of what is sent.
///
/// However the output is cut into pieces, the text is the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text {
    /// Flag: the beginning was not heard.
    late: bool,
    head: String,
    /// Flag: nothing more goes into `head`.
    full: bool,
    tail: String,
    /// Bytes of text that were between the two.
    dropped: usize,
}

impl Text {
    /// Text of a command whose beginning was not heard.
    pub(super) fn late() -> Self {
        Self { late: true, ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.head.is_empty() && self.tail.is_empty()
    }

    /// Adds the inside of a JSON literal.
    pub(super) fn push(&mut self, literal: &str) {
        let mut rest = literal;
        if !self.full {
            let room = HALF - self.head.len();
            let fits = if rest.len() <= room { rest.len() } else { last_cut(rest, room) };
            self.full = fits < rest.len();
            self.head.push_str(&rest[..fits]);
            rest = &rest[fits..];
        }
        self.tail.push_str(rest);
        if self.tail.len() > 2 * HALF {
            let (cut, bytes) = first_cut(&self.tail, self.tail.len() - HALF);
            self.dropped += bytes;
            self.tail.drain(..cut);
        }
    }

    /// Appends it as the inside of a JSON literal.
    pub(super) fn push_to(&self, out: &mut String) {
        if self.late {
            out.push_str(BEGINNING);
        }
        let (cut, bytes) = first_cut(&self.tail, self.tail.len().saturating_sub(HALF));
        let (mut head, mut tail, mut dropped) = (self.head.as_str(), &self.tail[cut..], self.dropped + bytes);
        if dropped > 0 {
            // Half a pair of surrogates is no character.
            if let Some(half) = head.len().checked_sub(6).filter(|at| is_surrogate(&head.as_bytes()[*at..], b"89ab"))
                && is_cut(head, half)
            {
                head = &head[..half];
                dropped += 3;
            }
            if is_surrogate(tail.as_bytes(), b"cdef") {
                tail = &tail[6..];
                dropped += 3;
            }
        }
        out.push_str(head);
        if dropped > 0 {
            out.push_str(&format!(r"\n[{dropped} bytes of output are left out here]\n"));
        }
        out.push_str(tail);
    }
}

/// Bytes of the first character or escape of a literal's inside, and bytes of the text that it stands for.
fn unit(literal: &str) -> (usize, usize) {
    let bytes = literal.as_bytes();
    match (bytes.first(), bytes.get(1)) {
        (Some(b'\\'), Some(b'u')) => {
            let code = literal.get(2..6).and_then(|hex| u32::from_str_radix(hex, 16).ok());
            let text = code.map_or(3, |code| char::from_u32(code).map_or(3, char::len_utf8));
            (literal.len().min(6), text)
        }
        (Some(b'\\'), Some(_)) => (2, 1),
        _ => {
            let len = literal.chars().next().map_or(1, char::len_utf8);
            (len, len)
        }
    }
}

/// First place at or behind `at` where a literal's inside may be cut, and bytes of the text before it.
fn first_cut(literal: &str, at: usize) -> (usize, usize) {
    let (mut cut, mut bytes) = (0, 0);
    while cut < at {
        let (len, text) = unit(&literal[cut..]);
        cut += len;
        bytes += text;
    }
    (cut, bytes)
}

/// Last place at or before `at` where it may be cut.
fn last_cut(literal: &str, at: usize) -> usize {
    let mut cut = 0;
    loop {
        let (len, _) = unit(&literal[cut..]);
        if cut + len > at {
            return cut;
        }
        cut += len;
    }
}

/// Returns whether it may be cut there, and no backslash before belongs to what stands there.
fn is_cut(literal: &str, at: usize) -> bool {
    literal.as_bytes()[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0
}

/// Returns whether it begins with the escape of one half of a pair, by the third of its digits' range.
fn is_surrogate(literal: &[u8], second: &[u8]) -> bool {
    let [b'\\', b'u', b'd' | b'D', digit, ..] = literal else { return false };
    second.contains(&digit.to_ascii_lowercase())
}

/// Inside of a string's literal.
pub(super) fn literal(value: Raw<'_>) -> Option<&str> {
    value.as_str().strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BEGINNING, HALF, Text};

    fn text(pieces: &[&str]) -> String {
        let mut text = Text::default();
        pieces.iter().for_each(|piece| text.push(piece));
        let mut out = String::new();
        text.push_to(&mut out);
        out
    }

    fn decoded(literal: &str) -> String {
        serde_json::from_str(&format!("\"{literal}\"")).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn what_fits_is_whole() {
        assert_eq!(text(&["a", r"\n", "b"]), r"a\nb");
        let most = "x".repeat(HALF);
        assert_eq!(text(&[&most, &most]), "x".repeat(2 * HALF));
    }

    #[test]
    fn of_more_both_ends_are_shown_and_what_is_missing_is_counted() {
        let long = format!("begin{}end", r"\u0001".repeat(HALF));
        let shown = decoded(&text(&[&long]));
        assert!(shown.starts_with("begin\u{1}") && shown.ends_with("\u{1}end"));
        let (before, after) = shown.split_once("\n[").unwrap();
        let (count, after) = after.split_once(" bytes of output are left out here]\n").unwrap();
        assert_eq!(count.parse::<usize>().unwrap() + before.len() + after.len(), "beginend".len() + HALF);
        assert!(text(&[&long]).len() <= 2 * HALF + 100);
    }

    #[test]
    fn no_pair_of_surrogates_is_cut() {
        for shift in 0..12 {
            let long = format!("{}{}", "x".repeat(shift), r"\ud83d\ude00".repeat(HALF / 4));
            let shown = decoded(&text(&[&long]));
            assert!(shown.contains("left out here") && shown.ends_with('\u{1f600}'), "{shift}");
        }
    }

    #[test]
    fn a_missing_beginning_is_said() {
        let mut late = Text::late();
        late.push("x");
        let mut out = String::new();
        late.push_to(&mut out);
        assert_eq!(out, format!("{BEGINNING}x"));
    }

    proptest! {
        #[test]
        fn however_it_is_cut_into_pieces_it_is_the_same(
            units in prop::collection::vec(
                prop_oneof!["[a-z]{1,40}", "é{1,9}", Just(r"\n".to_owned()), Just(r"\u0001".to_owned()), Just(r"\\".to_owned())],
                1..200,
            ),
            times in 1usize..300,
            pieces in prop::collection::vec(1usize..5000, 1..50),
        ) {
            let all: Vec<_> = std::iter::repeat_n(&units, times).flatten().cloned().collect();
            let mut cut = Vec::new();
            let (mut rest, mut sizes) = (all.as_slice(), pieces.iter().cycle());
            while !rest.is_empty() {
                let size = sizes.next().copied().unwrap_or(1).min(rest.len());
                cut.push(rest[..size].concat());
                rest = &rest[size..];
            }
            let cut: Vec<&str> = cut.iter().map(String::as_str).collect();
            let shown = text(&cut);
            prop_assert_eq!(&shown, &text(&[&all.concat()]));
            prop_assert!(shown.len() <= 2 * HALF + 100);
            decoded(&shown);
        }
    }
}

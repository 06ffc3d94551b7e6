//! The end of a command's output. Pure.

use std::collections::VecDeque;

/// The last bytes of an output, as text.
#[derive(Debug)]
pub(super) struct Tail {
    bytes: VecDeque<u8>,
    limit: usize,
    /// Bytes that ever came.
    total: u64,
    cut: bool,
    ended: bool,
}

impl Tail {
    /// Keeps at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: VecDeque::new(), limit, total: 0, cut: false, ended: false }
    }

    /// Takes what came next.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let kept = &bytes[bytes.len().saturating_sub(self.limit)..];
        let surplus = (self.bytes.len() + kept.len()).saturating_sub(self.limit);
        self.cut |= surplus > 0 || kept.len() < bytes.len();
        self.bytes.drain(..surplus);
        self.bytes.extend(kept);
    }

    /// Nothing comes any more.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Output behind a place, as far as it is kept, and the place behind that. No character is cut, unless its
    /// beginning is gone.
    pub(super) fn since(&mut self, place: u64) -> (String, u64) {
        let (total, ended) = (self.total, self.ended);
        let bytes: &[u8] = self.bytes.make_contiguous();
        let wanted = usize::try_from(total.saturating_sub(place)).unwrap_or(usize::MAX);
        let mut new = &bytes[bytes.len() - wanted.min(bytes.len())..];
        let held_back = if ended { 0 } else { half_at_end(new) };
        new = &new[..new.len() - held_back];
        (String::from_utf8_lossy(new).into_owned(), total - held_back as u64)
    }

    /// The text, and whether its beginning is missing. It is cut between characters, has at most as many bytes as are
    /// kept, and has no half of a character that is still being written. What is not UTF-8 is replaced.
    pub(super) fn text(&mut self) -> (String, bool) {
        let (limit, cut, ended) = (self.limit, self.cut, self.ended);
        let mut bytes: &[u8] = self.bytes.make_contiguous();
        if cut {
            let half = bytes.iter().take(3).take_while(|byte| is_continuation(**byte)).count();
            bytes = &bytes[half..];
        }
        if !ended {
            bytes = &bytes[..bytes.len() - half_at_end(bytes)];
        }
        let text = String::from_utf8_lossy(bytes);
        // A replacement may be longer than what it replaces.
        let mut from = text.len().saturating_sub(limit);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        (text[from..].to_owned(), cut || from > 0)
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

/// Bytes at the end that begin a character and do not complete it.
fn half_at_end(bytes: &[u8]) -> usize {
    (1..=bytes.len().min(3))
        .find(|back| !is_continuation(bytes[bytes.len() - back]))
        .filter(|back| {
            let end = &bytes[bytes.len() - back..];
            std::str::from_utf8(end).is_err_and(|error| error.error_len().is_none())
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Tail;

    #[test]
    fn the_beginning_goes_at_a_character_boundary() {
        let mut tail = Tail::new(5);
        tail.push("aäöü".as_bytes());
        assert_eq!(tail.text(), ("öü".to_owned(), true));
        tail.push(b"x");
        assert_eq!(tail.text(), ("öüx".to_owned(), true));
    }

    #[test]
    fn a_character_is_shown_when_it_is_whole() {
        let mut tail = Tail::new(100);
        let [first, second, third] = "€".as_bytes() else { panic!("three bytes") };
        tail.push(&[b'a', *first, *second]);
        assert_eq!(tail.text(), ("a".to_owned(), false));
        tail.push(&[*third]);
        assert_eq!(tail.text(), ("a€".to_owned(), false));
        tail.push(&[*first]);
        tail.end();
        assert_eq!(tail.text(), ("a€\u{fffd}".to_owned(), false));
    }

    #[test]
    fn a_limit_of_nothing_keeps_nothing() {
        let mut tail = Tail::new(0);
        assert_eq!(tail.text(), (String::new(), false));
        tail.push(b"a");
        assert_eq!(tail.text(), (String::new(), true));
    }

    proptest! {
        #[test]
        fn text_in_any_pieces_is_kept_to_its_longest_end_that_fits(text in "[aä€𝄞]{0,30}", size in 1..7_usize, limit in 0..40_usize) {
            let mut tail = Tail::new(limit);
            for piece in text.as_bytes().chunks(size) {
                tail.push(piece);
                let (shown, _) = tail.text();
                let whole = !shown.contains(char::REPLACEMENT_CHARACTER);
                prop_assert!(shown.len() <= limit && whole);
            }
            let (shown, cut) = tail.text();
            let mut from = text.len().saturating_sub(limit);
            while !text.is_char_boundary(from) {
                from += 1;
            }
            prop_assert_eq!(&shown, &text[from..]);
            prop_assert_eq!(cut, text.len() > limit);
        }

        #[test]
        fn any_bytes_stay_within_the_limit(bytes in prop::collection::vec(any::<u8>(), 0..60), size in 1..7_usize, limit in 0..40_usize) {
            let mut tail = Tail::new(limit);
            for piece in bytes.chunks(size) {
                tail.push(piece);
                prop_assert!(tail.text().0.len() <= limit);
            }
            tail.end();
            prop_assert!(tail.text().0.len() <= limit);
        }
    }
}

//! Cutting lines out of a text that comes in pieces. Pure.

/// Part of a text that `line` and `limit` select. A line keeps its end, so that all lines together are the text.
#[derive(Debug)]
pub(super) struct Lines {
    skip: u32,
    /// Lines that may still come; `None` for all.
    left: Option<u32>,
    max: usize,
    taken: Vec<u8>,
}

/// More was selected than may be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl Lines {
    /// Lines from `line` on, which counts from 1, `limit` lines or all, of at most `max` bytes.
    pub(super) fn new(line: Option<u32>, limit: Option<u32>, max: usize) -> Self {
        Self { skip: line.unwrap_or(1).saturating_sub(1), left: limit, max, taken: Vec::new() }
    }

    /// Returns whether nothing that could come is selected.
    pub(super) fn is_complete(&self) -> bool {
        self.left == Some(0)
    }

    /// Takes the next piece.
    pub(super) fn push(&mut self, mut piece: &[u8]) -> Result<(), TooLong> {
        while self.skip > 0 {
            let Some(end) = memchr::memchr(b'\n', piece) else { return Ok(()) };
            piece = &piece[end + 1..];
            self.skip -= 1;
        }
        let end = match &mut self.left {
            None => piece.len(),
            Some(left) => {
                let mut end = 0;
                while *left > 0 && end < piece.len() {
                    match memchr::memchr(b'\n', &piece[end..]) {
                        Some(newline) => {
                            end += newline + 1;
                            *left -= 1;
                        }
                        None => end = piece.len(),
                    }
                }
                end
            }
        };
        if self.taken.len() + end > self.max {
            return Err(TooLong);
        }
        self.taken.extend_from_slice(&piece[..end]);
        Ok(())
    }

    /// The selected part.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.taken
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Lines, TooLong};

    fn cut(text: &str, line: Option<u32>, limit: Option<u32>) -> String {
        let mut lines = Lines::new(line, limit, usize::MAX);
        lines.push(text.as_bytes()).unwrap();
        String::from_utf8(lines.into_bytes()).unwrap()
    }

    #[test]
    fn line_and_limit_select_whole_lines_counted_from_one() {
        let text = "1\n2\r\n3\n4";
        for (line, limit, wanted) in [
            (None, None, text),
            (Some(1), None, text),
            (Some(2), Some(2), "2\r\n3\n"),
            (Some(4), Some(9), "4"),
            (Some(5), None, ""),
            (None, Some(0), ""),
            (Some(3), Some(1), "3\n"),
        ] {
            assert_eq!(cut(text, line, limit), wanted, "{line:?} {limit:?}");
        }
    }

    #[test]
    fn only_what_is_selected_counts_for_the_limit() {
        let mut lines = Lines::new(Some(3), Some(1), 2);
        assert_eq!(lines.push(b"a long line\nanother\n3\n4 is long again\n"), Ok(()));
        assert!(lines.is_complete());
        assert_eq!(Lines::new(None, None, 2).push(b"abc"), Err(TooLong));
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_come_to_what_the_whole_comes_to(
            text in "[a\n\r]{0,40}",
            line in prop::option::of(1..8_u32),
            limit in prop::option::of(0..8_u32),
            size in 1..9_usize,
        ) {
            let mut lines = Lines::new(line, limit, usize::MAX);
            for piece in text.as_bytes().chunks(size) {
                lines.push(piece).unwrap();
            }
            let wanted: String = text
                .split_inclusive('\n')
                .skip(line.unwrap_or(1) as usize - 1)
                .take(limit.map_or(usize::MAX, |limit| limit as usize))
                .collect();
            prop_assert_eq!(String::from_utf8(lines.into_bytes()).unwrap(), wanted);
        }
    }
}

//! Printable text of bytes that come in pieces.

use std::io;

use super::{line, text};

/// Bytes of a text, piece by piece, as text of any number of lines. What is no UTF-8 becomes U+FFFD.
#[derive(Debug, Default)]
pub struct Pieces {
    /// The begin of a character whose other bytes have not come yet.
    begun: Vec<u8>,
}

impl Pieces {
    /// The part of the text that is complete with this piece.
    #[must_use]
    pub fn push(&mut self, piece: &[u8]) -> String {
        self.begun.extend_from_slice(piece);
        let bytes = std::mem::take(&mut self.begun);
        let whole = whole(&bytes);
        self.begun.extend_from_slice(&bytes[whole..]);
        text(&String::from_utf8_lossy(&bytes[..whole])).into_owned()
    }

    /// A character that was begun and will not be completed.
    #[must_use]
    pub fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.begun)).into_owned()
    }
}

/// Number of bytes before a character that is incomplete.
fn whole(bytes: &[u8]) -> usize {
    let mut end = 0;
    for chunk in bytes.utf8_chunks() {
        let is_last = end + chunk.valid().len() + chunk.invalid().len() == bytes.len();
        end += chunk.valid().len();
        // A last chunk whose invalid part could go on is a character that is only begun.
        if is_last && could_go_on(chunk.invalid()) {
            return end;
        }
        end += chunk.invalid().len();
    }
    end
}

/// True if bytes at the end of a text begin a character, which later bytes may complete.
fn could_go_on(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

/// Passes lines on as printable ones, for a log: each write is one line, so that a line end in what an event says does
/// not begin a line that looks like another event.
#[derive(Debug)]
pub struct LineWriter<W> {
    to: W,
}

impl<W> LineWriter<W> {
    /// In front of `to`.
    pub fn new(to: W) -> Self {
        Self { to }
    }
}

impl<W: io::Write> io::Write for LineWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (one_line, end) = match bytes.strip_suffix(b"\n") {
            Some(one_line) => (one_line, "\n"),
            None => (bytes, ""),
        };
        let mut shown = line(&String::from_utf8_lossy(one_line)).into_owned();
        shown.push_str(end);
        self.to.write_all(shown.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

//! Lines of a bounded length.

use std::io::{BufRead, Read};

use super::{ImportError, LineError};

/// Longest line of an export, in bytes. A record holds at most two frames of an agent, of 16 MiB each.
pub const MAX_LINE: usize = 64 * 1024 * 1024;

/// The lines of a reader, one at a time, counted.
pub(super) struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, line: Vec::new(), number: 0 }
    }

    /// The next line without its end; `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, ImportError> {
        self.line.clear();
        self.number += 1;
        let read = (&mut self.reader).take(MAX_LINE as u64 + 1).read_until(b'\n', &mut self.line);
        if read? == 0 {
            return Ok(None);
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        } else if self.line.len() > MAX_LINE {
            return Err(self.wrong(LineError::TooLong { limit: MAX_LINE }));
        }
        Ok(Some(&self.line))
    }

    /// An error about the line that was read last.
    pub(super) fn wrong(&self, error: LineError) -> ImportError {
        ImportError::Line { line: self.number, error }
    }
}

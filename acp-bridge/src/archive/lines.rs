//! Lines of an export: written, and read with a bounded length.

use std::io::{BufRead, Read};

use super::{ImportError, LineError};
use crate::log::LogError;

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

/// Appends a value as one line of JSON.
pub(super) fn push_line(page: &mut Vec<u8>, value: &impl serde::Serialize) -> Result<(), LogError> {
    let start = page.len();
    serde_json::to_writer(&mut *page, value).map_err(|e| LogError::Corrupt { reason: e.to_string() })?;
    // JSON has line breaks only where a blank would do as well.
    for byte in &mut page[start..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    page.push(b'\n');
    Ok(())
}

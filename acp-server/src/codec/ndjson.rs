//! Newline-delimited JSON: one message per line (ACP transports, "stdio").

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr_iter};

use super::Input;
use crate::proto::Refusal;

/// Room made for one read, in bytes. The default capacity of a pipe: one read empties it.
const READ: usize = 64 * 1024;
/// Less room than this left is not worth a read of its own, in bytes.
const MIN_READ: usize = 8 * 1024;
/// A buffer that one big message made larger than this is given back as soon as it is empty, in bytes.
const KEEP: usize = 256 * 1024;
/// Bytes that are kept of the beginning of an oversized line, and below it of its end: as many as are searched for its
/// id.
const HEAD: usize = 4096;
const END: usize = 256;

/// Cuts a byte stream into lines without copying them: every frame is a slice of the read buffer.
///
/// A frame that is kept pins the whole buffer that it was read into ([`Decoder::buffer`], 64 KiB): copy what lives
/// long. Blank lines are skipped, a carriage return before the newline is cut off. A line longer than the limit is
/// skipped to its end and reported once; nothing of it but the first 4 KiB and the last 256 bytes stays in memory.
#[derive(Debug)]
pub struct Decoder {
    buffer: BytesMut,
    /// Bytes of `buffer` that are known to hold no newline.
    scanned: usize,
    limit: usize,
    skipping: Option<Skipped>,
}

/// The oversized line that is being skipped.
#[derive(Debug)]
struct Skipped {
    head: Bytes,
    end: Vec<u8>,
    bytes: usize,
}

impl Skipped {
    fn more(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes.len());
        let bytes = end(bytes);
        let surplus = (self.end.len() + bytes.len()).saturating_sub(END);
        self.end.drain(..surplus);
        self.end.extend_from_slice(bytes);
    }
}

impl Decoder {
    /// A decoder that refuses lines longer than `limit` bytes, the line end not counted.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { buffer: BytesMut::new(), scanned: 0, limit, skipping: None }
    }

    /// Buffer to append to after a read, with room for at least 8 KiB, usually 64. Call [`Decoder::drain`] afterwards.
    pub fn buffer(&mut self) -> &mut BytesMut {
        if self.buffer.capacity() - self.buffer.len() < MIN_READ {
            self.buffer.reserve(READ);
        }
        &mut self.buffer
    }

    /// Appends bytes that were read elsewhere.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Moves every complete line to `inputs`.
    pub fn drain(&mut self, inputs: &mut Vec<Input>) {
        if let Some(last) = memchr::memrchr(b'\n', &self.buffer[self.scanned..]) {
            let block = self.buffer.split_to(self.scanned + last + 1).freeze();
            let mut start = 0;
            let scanned = std::mem::take(&mut self.scanned);
            for end in memchr_iter(b'\n', &block[scanned..]) {
                let end = scanned + end;
                self.line(block.slice(start..end), inputs);
                start = end + 1;
            }
        }
        self.scanned = self.buffer.len();
        if let Some(skipped) = &mut self.skipping {
            skipped.more(&self.buffer);
            self.buffer.clear();
            self.scanned = 0;
        } else if self.buffer.len() > self.limit.saturating_add(1) {
            // One more than the limit may still be the carriage return of the line end.
            let (bytes, end) = (self.buffer.len(), end(&self.buffer).to_vec());
            self.skipping = Some(Skipped { head: head(&self.buffer), end, bytes });
            self.buffer = BytesMut::new();
            self.scanned = 0;
        }
        if self.buffer.is_empty() && self.buffer.capacity() > KEEP {
            self.buffer = BytesMut::new();
        }
    }

    /// The stream has ended: what is left counts as a line, so that a last message without a newline is not lost and
    /// a torn one is reported.
    pub fn finish(&mut self, inputs: &mut Vec<Input>) {
        self.drain(inputs);
        self.scanned = 0;
        let rest = self.buffer.split().freeze();
        self.line(rest, inputs);
    }

    fn line(&mut self, mut line: Bytes, inputs: &mut Vec<Input>) {
        if let Some(mut skipped) = self.skipping.take() {
            skipped.more(&line);
            let Skipped { head, end, bytes } = skipped;
            inputs.push(Input::Refused(Refusal::TooLarge { bytes, limit: self.limit, head, end: end.into() }));
            return;
        }
        if line.last() == Some(&b'\r') {
            line.truncate(line.len() - 1);
        }
        if line.len() > self.limit {
            inputs.push(Input::Refused(too_large(&line, self.limit)));
        } else if !line.iter().all(u8::is_ascii_whitespace) {
            inputs.push(Input::Frame(line));
        }
    }
}

/// The refusal of a message that is over the limit.
pub(crate) fn too_large(message: &[u8], limit: usize) -> Refusal {
    let end = Bytes::copy_from_slice(end(message));
    Refusal::TooLarge { bytes: message.len(), limit, head: head(message), end }
}

/// A copy, so that the big buffer is not kept alive by it.
fn head(line: &[u8]) -> Bytes {
    Bytes::copy_from_slice(&line[..line.len().min(HEAD)])
}

fn end(line: &[u8]) -> &[u8] {
    &line[line.len().saturating_sub(END)..]
}

/// Appends `frame` as one line. Newlines inside, which JSON only has between tokens, become spaces.
pub fn encode(frame: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(frame);
    if memchr(b'\n', frame).is_some() {
        for byte in out[start..].iter_mut().filter(|byte| **byte == b'\n') {
            *byte = b' ';
        }
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests;

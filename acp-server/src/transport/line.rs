//! Newline-delimited JSON over any byte stream.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{FrameReader, FrameWriter, Reading, Transport, TransportError};
use crate::codec::{Input, ndjson};
use crate::proto::CloseReason;

/// Written with one system call at most, in bytes. More than a pipe holds by default gains nothing.
const WRITE: usize = 256 * 1024;
/// From this size on a frame is written from where it is instead of being copied, in bytes.
const DIRECT: usize = 32 * 1024;

/// A byte stream in each direction, one message per line.
#[derive(Debug)]
pub struct Lines<R, W> {
    reader: R,
    writer: W,
}

impl<R, W> Lines<R, W> {
    /// Messages over these streams, which must be non-blocking.
    pub fn new(reader: R, writer: W) -> Self {
        Self { reader, writer }
    }
}

impl<R, W> Transport for Lines<R, W>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    type Reader = LineReader<R>;
    type Writer = LineWriter<W>;

    fn split(self, limit: usize) -> (LineReader<R>, LineWriter<W>) {
        (LineReader::new(self.reader, limit), LineWriter::new(self.writer))
    }
}

/// Reads one message per line.
#[derive(Debug)]
pub struct LineReader<R> {
    stream: R,
    decoder: ndjson::Decoder,
}

impl<R> LineReader<R> {
    /// Refuses messages longer than `limit` bytes.
    pub fn new(stream: R, limit: usize) -> Self {
        Self { stream, decoder: ndjson::Decoder::new(limit) }
    }
}

impl<R: AsyncRead + Unpin + Send + 'static> FrameReader for LineReader<R> {
    async fn read(&mut self, inputs: &mut Vec<Input>) -> Result<Reading, TransportError> {
        let before = inputs.len();
        loop {
            let read = match self.stream.read_buf(self.decoder.buffer()).await {
                Ok(read) => read,
                // A socket whose other end was closed with our words unread; what it said was read before.
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => 0,
                Err(error) => return Err(error.into()),
            };
            if read == 0 {
                self.decoder.finish(inputs);
                return Ok(Reading::Ended(CloseReason::Peer));
            }
            self.decoder.drain(inputs);
            if inputs.len() > before {
                return Ok(Reading::Open);
            }
        }
    }
}

/// Writes one message per line.
#[derive(Debug)]
pub struct LineWriter<W> {
    stream: W,
    /// Lines that were copied together; written before `direct`.
    buffer: Vec<u8>,
    written: usize,
    /// A big frame; its line end is put into `buffer` once it is out.
    direct: Option<Bytes>,
}

impl<W> LineWriter<W> {
    /// Writes to `stream`.
    pub fn new(stream: W) -> Self {
        Self { stream, buffer: Vec::new(), written: 0, direct: None }
    }

    fn fill(&mut self, frames: &mut VecDeque<Bytes>) {
        while self.direct.is_none() && self.buffer.len() < WRITE {
            let Some(frame) = frames.pop_front() else { break };
            if frame.len() >= DIRECT && memchr::memchr(b'\n', &frame).is_none() {
                self.direct = Some(frame);
            } else {
                ndjson::encode(&frame, &mut self.buffer);
            }
        }
    }
}

impl<W: AsyncWrite + Unpin + Send + 'static> FrameWriter for LineWriter<W> {
    async fn write(&mut self, frames: &mut VecDeque<Bytes>) -> Result<(), TransportError> {
        loop {
            if self.written == self.buffer.len() && self.direct.is_none() {
                self.buffer.clear();
                self.written = 0;
                if self.buffer.capacity() > 2 * WRITE {
                    self.buffer = Vec::new();
                }
            }
            self.fill(frames);
            if self.written < self.buffer.len() {
                self.written += gone_if_zero(self.stream.write(&self.buffer[self.written..]).await?)?;
            } else if let Some(frame) = &mut self.direct {
                let written = gone_if_zero(self.stream.write(frame).await?)?;
                frame.advance(written);
                if frame.is_empty() {
                    self.direct = None;
                    self.buffer.clear();
                    self.buffer.push(b'\n');
                    self.written = 0;
                }
            } else {
                break;
            }
        }
        Ok(self.stream.flush().await?)
    }

    async fn close(&mut self, _: &CloseReason) -> Result<(), TransportError> {
        Ok(self.stream.shutdown().await?)
    }
}

fn gone_if_zero(written: usize) -> Result<usize, TransportError> {
    if written == 0 { Err(TransportError::Gone) } else { Ok(written) }
}

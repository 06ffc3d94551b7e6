//! Files that can only block: a thread each, which lives as long as the file does.

use std::fs::File;
use std::io::{self, Read, Write};
use std::task::{Context, Poll, ready};
use std::thread;

use bytes::{Buf, Bytes};
use tokio::io::ReadBuf;
use tokio::sync::mpsc;

/// Read or written at a time, in bytes.
const CHUNK: usize = 64 * 1024;

/// Reads ahead by at most two chunks. A thread that waits for a terminal ends with the process.
#[derive(Debug)]
pub(super) struct ThreadReader {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl ThreadReader {
    pub(super) fn start(mut file: File) -> io::Result<Self> {
        let (sender, chunks) = mpsc::channel(1);
        thread::Builder::new().name("acp-stdin".to_owned()).spawn(move || {
            let mut buffer = vec![0; CHUNK];
            loop {
                let chunk = match file.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(read) => Ok(Bytes::copy_from_slice(&buffer[..read])),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Err(error),
                };
                let failed = chunk.is_err();
                if sender.blocking_send(chunk).is_err() || failed {
                    return;
                }
            }
        })?;
        Ok(Self { chunks, current: Bytes::new() })
    }

    pub(super) fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.current.is_empty() {
            match ready!(self.chunks.poll_recv(context)) {
                Some(chunk) => self.current = chunk?,
                None => return Poll::Ready(Ok(())),
            }
        }
        let some = self.current.len().min(buffer.remaining());
        buffer.put_slice(&self.current[..some]);
        self.current.advance(some);
        Poll::Ready(Ok(()))
    }
}

/// Has one chunk under way at a time.
#[derive(Debug)]
pub(super) struct ThreadWriter {
    chunks: mpsc::Sender<Bytes>,
    written: mpsc::Receiver<io::Result<()>>,
    busy: bool,
}

impl ThreadWriter {
    pub(super) fn start(mut file: File) -> io::Result<Self> {
        let (chunks, mut received) = mpsc::channel::<Bytes>(1);
        let (done, written) = mpsc::channel(1);
        thread::Builder::new().name("acp-stdout".to_owned()).spawn(move || {
            while let Some(chunk) = received.blocking_recv() {
                let outcome = file.write_all(&chunk);
                let failed = outcome.is_err();
                if done.blocking_send(outcome).is_err() || failed {
                    return;
                }
            }
        })?;
        Ok(Self { chunks, written, busy: false })
    }

    pub(super) fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_flush(context))?;
        let chunk = Bytes::copy_from_slice(&bytes[..bytes.len().min(CHUNK)]);
        let written = chunk.len();
        // The last chunk is written, so there is room, unless the thread ended with an error that was reported.
        self.chunks.try_send(chunk).map_err(|_| io::ErrorKind::BrokenPipe)?;
        self.busy = true;
        Poll::Ready(Ok(written))
    }

    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.busy {
            return Poll::Ready(Ok(()));
        }
        let outcome = ready!(self.written.poll_recv(context));
        self.busy = false;
        Poll::Ready(outcome.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into())))
    }
}

//! The two pipes between us and a child.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use tokio::net::unix::pipe;

use super::reader::ChildReader;
use crate::transport::{LineWriter, Noise, Transport};

/// A child's stdin and stdout.
#[derive(Debug)]
pub struct ChildTransport {
    reader: pipe::Receiver,
    stdin: Stdin,
    noise: Noise,
}

impl ChildTransport {
    pub(super) fn new(reader: pipe::Receiver, writer: pipe::Sender, program: String) -> Self {
        Self { reader, stdin: Stdin(Arc::new(Mutex::new(Some(writer)))), noise: Noise::of(program) }
    }

    pub(super) fn noise(&self) -> Noise {
        self.noise.clone()
    }

    pub(super) fn stdin(&self) -> Stdin {
        self.stdin.clone()
    }

    /// The child's stdout and stdin as bytes, for whoever has to see or send what is no message.
    #[must_use]
    pub fn into_streams(self) -> (pipe::Receiver, Stdin) {
        (self.reader, self.stdin)
    }
}

impl Transport for ChildTransport {
    type Reader = ChildReader;
    type Writer = LineWriter<Stdin>;

    fn split(self, limit: usize) -> (Self::Reader, Self::Writer) {
        (ChildReader::new(self.reader, limit, self.noise), LineWriter::new(self.stdin))
    }
}

/// The child's stdin. Shared, because closing it is how a child is asked to stop, and whoever asks is not the task that
/// writes. The lock is held for one system call.
#[derive(Debug, Clone)]
pub struct Stdin(Arc<Mutex<Option<pipe::Sender>>>);

impl Stdin {
    /// The pipe of a child that has nothing to read.
    pub(super) fn none() -> Self {
        Self(Arc::default())
    }

    /// Closes it. A write after this fails as if the child had closed its end.
    pub(super) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn with<T>(&self, write: impl FnOnce(Pin<&mut pipe::Sender>) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(sender) => write(Pin::new(sender)),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }
}

impl AsyncWrite for Stdin {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.with(|sender| sender.poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.close();
        Poll::Ready(Ok(()))
    }
}

//! Output of a child that speaks no protocol.

use std::io;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

/// A child's stdout and stderr, in the order in which it wrote.
#[derive(Debug)]
pub struct ChildOutput(pipe::Receiver);

impl ChildOutput {
    pub(super) fn new(pipe: pipe::Receiver) -> Self {
        Self(pipe)
    }

    /// The next bytes; 0 when everybody who could write has closed it. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the system cannot read the pipe.
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).await
    }
}

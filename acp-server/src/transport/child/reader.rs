//! A child's stdout: messages, and what else it writes.

use tokio::net::unix::pipe;

use crate::codec::Input;
use crate::transport::noise::Noise;
use crate::transport::{FrameReader, LineReader, Reading, TransportError};

/// Reads the messages of a child and keeps what is none.
#[derive(Debug)]
pub struct ChildReader {
    lines: LineReader<pipe::Receiver>,
    noise: Noise,
}

impl ChildReader {
    pub(super) fn new(pipe: pipe::Receiver, limit: usize, noise: Noise) -> Self {
        Self { lines: LineReader::new(pipe, limit), noise }
    }
}

impl FrameReader for ChildReader {
    async fn read(&mut self, inputs: &mut Vec<Input>) -> Result<Reading, TransportError> {
        self.lines.read(inputs).await
    }

    fn is_noisy(&self) -> bool {
        true
    }

    fn noise(&mut self, head: &[u8]) {
        self.noise.hear(head);
    }
}

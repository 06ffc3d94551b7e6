//! Bytes to frames and back: pure functions over buffers, with an explicit size limit.

pub mod ndjson;

use bytes::Bytes;

use crate::proto::Refusal;

/// Input from a transport for the connection core.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_enums, reason = "a transport delivers a message or says why it could not")]
pub enum Input {
    /// One message as received, without its line end.
    Frame(Bytes),
    /// A message that the transport could not deliver. It was skipped; the connection lives on.
    Refused(Refusal),
}

impl Input {
    /// Memory that it holds, in bytes, for bounds.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Frame(frame) => frame.len(),
            Self::Refused(refusal) => refusal.head().len(),
        }
    }
}

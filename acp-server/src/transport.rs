//! Transports: where frames come from and go to.

pub mod child;
mod line;
pub mod memory;
mod noise;
pub mod stdio;
pub mod ws;

use std::collections::VecDeque;
use std::future::Future;

use bytes::Bytes;

pub use line::{LineReader, LineWriter, Lines};
pub use noise::Noise;

use crate::codec::Input;
use crate::proto::CloseReason;

/// A two-way stream of frames.
pub trait Transport: Send + 'static {
    /// The receiving half.
    type Reader: FrameReader;
    /// The sending half.
    type Writer: FrameWriter;

    /// Takes the halves apart. `limit` is the size of the largest message to accept, in bytes.
    fn split(self, limit: usize) -> (Self::Reader, Self::Writer);
}

/// The receiving half of a transport.
pub trait FrameReader: Send + 'static {
    /// Waits for messages and appends all that are there.
    ///
    /// A message over the limit is skipped and reported as [`Input::Refused`]. Returns without any when there was a sign
    /// of life that is no message. Dropping the future loses nothing.
    fn read(&mut self, inputs: &mut Vec<Input>) -> impl Future<Output = Result<Reading, TransportError>> + Send;

    /// Returns whether the stream may carry other things than messages, as the stdout of a program may. Default: it
    /// does not.
    fn is_noisy(&self) -> bool {
        false
    }

    /// Takes notice of such a thing; `head` is how it begins.
    fn noise(&mut self, head: &[u8]) {
        let _ = head;
    }

    /// Reads what the peer still sends and drops it, after a message that was too long to be skipped: a stream that is
    /// let go of with something unread takes the last words to the peer with it. Default: nothing.
    fn discard(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Outcome of one read: more may come, or nothing does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a stream goes on or it does not")]
pub enum Reading {
    /// The stream goes on.
    Open,
    /// The stream is over; what was appended with this is the last.
    Ended(CloseReason),
}

/// The sending half of a transport.
pub trait FrameWriter: Send + 'static {
    /// Writes all of `frames` with as few system calls as possible, then flushes once.
    ///
    /// Frames are taken out of the queue as they are written. Dropping the future loses nothing: the next call goes on
    /// where this one stopped, also inside a frame.
    fn write(&mut self, frames: &mut VecDeque<Bytes>) -> impl Future<Output = Result<(), TransportError>> + Send;

    /// Asks for a sign of life of the peer to be sent with the next write, where the transport has such. Default: it has
    /// none.
    fn ping(&mut self) {}

    /// Tells the peer that nothing more comes, and why where the transport can say it.
    fn close(&mut self, reason: &CloseReason) -> impl Future<Output = Result<(), TransportError>> + Send;
}

/// A transport that cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The operating system refused.
    #[error("input or output failed: {0}")]
    Io(#[from] std::io::Error),
    /// The other side is gone.
    #[error("the peer is gone")]
    Gone,
    /// The WebSocket protocol was broken.
    #[error("WebSocket failed: {0}")]
    WebSocket(#[source] Box<tokio_tungstenite::tungstenite::Error>),
}

//! Sink for frames.

use bytes::{Bytes, BytesMut};

/// Takes the frames of notifications, in order.
pub(crate) trait Sink {
    /// Frames are cut from here, many to one allocation.
    fn buffer(&mut self) -> &mut BytesMut;

    /// Takes the next frame.
    fn frame(&mut self, frame: Bytes);
}

//! Messages that a transport could not deliver.

use bytes::Bytes;

/// Reason why a transport skipped a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Longer than the limit.
    #[error("the message has {bytes} bytes, the limit is {limit}: send it in smaller parts")]
    TooLarge {
        /// Its length as far as known.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
        /// First bytes of the message; they may end inside a character.
        head: Bytes,
        /// Last bytes of the message, as far as the transport kept them.
        end: Bytes,
    },
}

impl Refusal {
    /// The beginning of the message where it is known, else nothing.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        match self {
            Self::TooLarge { head, .. } => head,
        }
    }
}

//! Limits on what one connection may hold open.

/// Bounds of one [`Connection`](super::Connection).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Limits {
    /// Size and depth of one message. Default: 16 MiB, 128 levels.
    pub frame: acp_types::frame::Limits,
    /// Requests of ours that may wait for an answer. Default: 1024. At the limit a request is refused with
    /// [`SendError::TooMany`](super::SendError::TooMany).
    pub max_outgoing: usize,
    /// Requests of the peer that may wait for our answer. Default: 1024. One more is answered with an error at once.
    pub max_incoming: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frame: acp_types::frame::Limits::default(), max_outgoing: 1024, max_incoming: 1024 }
    }
}

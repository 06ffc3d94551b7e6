//! Reasons why a call into the connection core was refused.

use acp_types::RequestId;

use super::RequestKey;

/// A request or notification that was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is closed, or the peer can no longer answer.
    #[error("the connection is closed: open a new one")]
    Closed,
    /// Too many requests wait for an answer.
    #[error("{limit} requests wait for an answer already: wait for one of them")]
    TooMany {
        /// [`Limits::max_outgoing`](super::Limits::max_outgoing).
        limit: usize,
    },
    /// The key belongs to a request that still waits for its answer.
    #[error("request key {} is in use: use each key once", .0.0)]
    KeyInUse(RequestKey),
}

/// An answer that was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RespondError {
    /// The connection is closed.
    #[error("the connection is closed: nobody waits for the answer")]
    Closed,
    /// The peer has no open request with this id: it never had, or it was answered already.
    #[error("no open request has the id {id}: answer each request once")]
    Unknown {
        /// The id that was given.
        id: RequestId,
    },
}

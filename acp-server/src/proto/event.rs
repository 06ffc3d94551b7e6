//! Events that the connection core reports to the application.

use acp_types::{FrameError, RawError, RequestId};
use bytes::Bytes;

use super::{Incoming, IncomingNotification, Payload, RequestKey};

/// An event of the peer, in the order in which it did it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// Wants one answer: [`Connection::respond`](super::Connection::respond).
    Request(Incoming),
    /// Wants none.
    Notification(IncomingNotification),
    /// The one outcome of a request of ours.
    Response {
        /// The key that was handed in with the request.
        key: RequestKey,
        /// The result, or why there is none.
        outcome: Result<Payload, ResponseError>,
        /// See [`Event::ordinal`]; `None` when no message of the peer brought it.
        ordinal: Option<u64>,
    },
    /// The peer gave up on a request that is still open (`$/cancel_request`). It still wants an answer: a result, or
    /// the error -32800. Reported once per request.
    Cancelled {
        /// Id of the open request.
        id: RequestId,
        /// See [`Event::ordinal`].
        ordinal: u64,
    },
    /// A message that was not understood. It was answered where JSON-RPC allows it, and dropped.
    Rejected {
        /// The reason.
        reason: Rejection,
    },
    /// An answer to nothing: to a request that we never sent, or that has its outcome already. It was dropped.
    Stray {
        /// The answer's id. Null when the peer says that it could not read something of ours.
        id: RequestId,
        /// The error object, if it is an error.
        error: Option<RawError>,
    },
    /// The last event: the peer sends nothing more.
    Closed(CloseReason),
}

impl Event {
    /// Number of the peer's message that it came with: the first that was received has 1, and those that were refused
    /// count. `None` for what no message brought, and for those that were dropped, which are [`Event::Rejected`] and
    /// [`Event::Stray`].
    #[must_use]
    pub fn ordinal(&self) -> Option<u64> {
        match self {
            Self::Request(request) => Some(request.ordinal()),
            Self::Notification(notification) => Some(notification.ordinal()),
            Self::Response { ordinal, .. } => *ordinal,
            Self::Cancelled { ordinal, .. } => Some(*ordinal),
            Self::Rejected { .. } | Self::Stray { .. } | Self::Closed(_) => None,
        }
    }

    /// Memory that it holds, in bytes, for bounds: the message and a little.
    #[must_use]
    pub fn weight(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Request(request) => request.call.line.len(),
                Self::Notification(notification) => notification.call.line.len(),
                Self::Response { outcome: Ok(payload), .. } => payload.line.len(),
                Self::Response { outcome: Err(ResponseError::Peer(error)), .. } => error.as_raw().as_str().len(),
                _ => 0,
            }
    }
}

/// Reason why a request of ours has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// The peer answered with an error, kept as received.
    #[error(transparent)]
    Peer(RawError),
    /// The peer's answer was not a valid message.
    #[error("the peer's answer is not valid: {0}")]
    Invalid(FrameError),
    /// The connection closed first. Whether the peer acted on the request is unknown.
    #[error("the connection closed before the answer: the peer may or may not have acted on the request")]
    Closed,
    /// No request: it was never sent, see [`SendError::TooMany`](super::SendError::TooMany).
    #[error("{limit} requests wait for an answer already: wait for one of them")]
    TooMany {
        /// [`Limits::max_outgoing`](super::Limits::max_outgoing).
        limit: usize,
    },
}

/// Reason why a message of the peer was dropped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// Not a valid message.
    #[error(transparent)]
    Frame(FrameError),
    /// A request while as many are open as the limits allow. It was answered with an error.
    #[error("request {id} came while {limit} others wait for an answer")]
    TooManyRequests {
        /// The request's id.
        id: RequestId,
        /// [`Limits::max_incoming`](super::Limits::max_incoming).
        limit: usize,
    },
    /// A request with the id of one that is still open. It was answered with an error that says so.
    #[error("request {id} came again while the first one with that id waits for its answer")]
    DuplicateId {
        /// The id.
        id: RequestId,
    },
    /// A line between the messages that is none, of a peer that may print such
    /// ([`Connection::tolerate_noise`](super::Connection::tolerate_noise)). It was not answered.
    #[error("a line that is no message")]
    Noise {
        /// Its first bytes.
        head: Bytes,
    },
}

/// Reason why the peer sends nothing more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// This side closed the connection.
    #[error("closed by this side")]
    Local,
    /// The peer ended its stream in good order.
    #[error("closed by the peer")]
    Peer,
    /// The peer closed its WebSocket with this code and reason.
    #[error("closed by the peer with WebSocket code {code}: {reason}")]
    WebSocket {
        /// RFC 6455 section 7.4; 1005 when the peer gave none.
        code: u16,
        /// The peer's words.
        reason: String,
    },
    /// The peer sent a message so far over the limit that the transport could not skip it.
    #[error("the peer sent a message far over the limit of {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The transport failed.
    #[error("the transport failed: {0}")]
    Transport(String),
}

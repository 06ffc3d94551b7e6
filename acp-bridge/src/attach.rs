//! Between an editor, which knows one connection, and the bridge, to which connections come and go. Pure: no I/O, clock
//! or channels.
//!
//! To the editor it is an ACP agent that never goes away. Behind it is a link to the bridge that may break at any
//! message: everything that the editor has said and that has no answer is kept until it has one, and everything that it
//! has been shown is remembered as a cursor per session, so that the next link goes on exactly there.
//!
//! | Of the editor | After a drop |
//! |---|---|
//! | `initialize` | sent again with the same params; the answer is shown once |
//! | sessions | `session/resume` behind the last seq that was shown |
//! | `session/prompt` | sent again under the same key: it attaches to the turn that it started (P6) |
//! | `session/load` | from the beginning if nothing of the history was shown, else resumed where it stopped |
//! | `session/new` | sent again: a session too many is harmless, none is not |
//! | requests that may be done twice | sent again |
//! | other requests | if they were on their way: an error that says that the outcome is unknown |
//! | `session/cancel` | follows its prompt |
//! | answers to the agent | kept until the bridge is known to have them |
//!
//! A request of the agent is known by the seq of its record: the editor sees it once, however often the bridge asks.

mod asks;
mod backoff;
mod handshake;
mod place;
mod queue;
mod relay;
mod requests;
mod sessions;

use acp_server::proto::RequestKey;
use acp_types::{RawBuf, RawError, RequestId};
use bytes::Bytes;

pub(crate) use backoff::Backoff;
pub(crate) use relay::Relay;

/// A result or an error object, as it was received.
pub(crate) type RawAnswer = Result<RawBuf, RawError>;

/// One thing to send to either side.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// A notification as it was received.
    Frame(Bytes),
    /// A notification.
    Notify { method: Box<str>, params: RawBuf },
    /// A request; keys are numbered per side and never used twice.
    Request { key: RequestKey, method: Box<str>, params: RawBuf },
    /// The answer to a request.
    Respond { id: RequestId, answer: RawAnswer },
    /// The answer to this request of ours is not needed any more.
    Cancel(RequestKey),
}

#[cfg(test)]
mod tests;

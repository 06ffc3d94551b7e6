//! Requests of clients, whatever protocol they speak.

use std::sync::Arc;

use acp_types::record::Seq;
use acp_types::{RawBuf, SessionId};

use super::history::{Begin, HistoryPolicy};
use super::lanes::LaneFilter;
use super::role::Role;
use crate::log::ListQuery;
use crate::service::Operation;
use crate::session::Command;

/// Subject of a request.
#[derive(Debug)]
pub(crate) struct About {
    /// Operation that it asks for; `None` where nobody serves it.
    pub(crate) operation: Option<Operation>,
    /// Session that it names.
    pub(crate) session: Option<SessionId>,
}

/// Request that has been read.
#[derive(Debug)]
pub(crate) enum Request {
    /// Hello, with all that the client says of itself.
    Greet { initialize: RawBuf },
    /// Create a new session.
    Create { command: Command },
    /// Open a session that exists. `params` are for its host.
    Open { session: SessionId, params: RawBuf, lanes: LaneFilter, entry: EntryKind },
    /// A prompt, answered when its turn ends.
    Prompt { session: SessionId, command: Command },
    /// A page of sessions.
    List { query: ListQuery },
    /// Look at a session: whether its agent is there. It changes nothing.
    Status { session: SessionId },
    /// Close: the end of what runs in a session, and of its agent.
    Close { session: SessionId },
    /// Deletion of a session and its log.
    Delete { session: SessionId },
    /// Detach from a session.
    Detach { session: SessionId },
    /// Lanes of a session that the client is attached to.
    Lanes { session: SessionId },
    /// Call that the host or an agent answers.
    Call { session: Option<SessionId>, command: Command },
}

/// Notification that has been read.
#[derive(Debug)]
pub(crate) enum Notification {
    /// Stop of what runs.
    Cancel { session: SessionId, command: Command },
    /// Notification that is passed to an agent.
    Pass { session: Option<SessionId>, command: Command },
}

/// Way of a client to come to a session that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// Load: with history, as if there had been no other client.
    Load,
    /// Resume from a cursor, or from now on.
    Resume { after: Option<Seq> },
    /// Attach beside others that it wants to know of.
    Attach(Box<Attach>),
}

/// Wishes of a client that attaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attach {
    pub(crate) role: Role,
    /// Name that it has chosen, if any.
    pub(crate) client: Option<Arc<str>>,
    /// Description that it gives of itself.
    pub(crate) info: Option<RawBuf>,
    /// Policy that the answer names.
    pub(crate) policy: HistoryPolicy,
    pub(crate) begin: Begin,
}

/// Answer of a client to a request of an agent.
#[derive(Debug)]
pub(crate) enum ClientAnswer {
    /// Result for the agent.
    Result(RawBuf),
    /// Error that is the answer.
    Error(RawBuf),
    /// Error that says nothing of what another client would answer: this one cannot.
    Unable(RawBuf),
    /// No answer: the request waits in the log for whoever attaches next.
    Nothing,
}

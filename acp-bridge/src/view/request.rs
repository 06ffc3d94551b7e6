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
    /// `None` where nobody serves it.
    pub(crate) operation: Option<Operation>,
    /// The session that it names.
    pub(crate) session: Option<SessionId>,
}

/// A request that has been read.
#[derive(Debug)]
pub(crate) enum Request {
    /// Hello, with all that the client says of itself.
    Greet { initialize: RawBuf },
    /// A new session.
    Create { command: Command },
    /// To come to a session that exists. `params` are for its host.
    Open { session: SessionId, params: RawBuf, lanes: LaneFilter, entry: EntryKind },
    /// A prompt, answered when its turn ends.
    Prompt { session: SessionId, command: Command },
    /// A page of sessions.
    List { query: ListQuery },
    /// The end of what runs in a session, and of its agent.
    Close { session: SessionId },
    /// A session and its log are to be no more.
    Delete { session: SessionId },
    /// The client leaves a session.
    Detach { session: SessionId },
    /// The lanes of a session that the client is attached to.
    Lanes { session: SessionId },
    /// Anything that the host or an agent answers.
    Call { session: Option<SessionId>, command: Command },
}

/// A notification that has been read.
#[derive(Debug)]
pub(crate) enum Notification {
    /// A stop.
    Cancel { session: SessionId, command: Command },
    /// Anything for an agent.
    Pass { session: Option<SessionId>, command: Command },
}

/// Way of a client to come to a session that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// With its history, as if there had been no other client.
    Load,
    /// From a cursor, or from now on.
    Resume { after: Option<Seq> },
    /// Beside others that it wants to know of.
    Attach(Box<Attach>),
}

/// Wishes of a client that attaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attach {
    pub(crate) role: Role,
    /// The name that it has chosen, if any.
    pub(crate) client: Option<Arc<str>>,
    /// Its description of itself.
    pub(crate) info: Option<RawBuf>,
    /// The policy that the answer names.
    pub(crate) policy: HistoryPolicy,
    pub(crate) begin: Begin,
}

/// Answer of a client to a request of an agent.
#[derive(Debug)]
pub(crate) enum ClientAnswer {
    /// A result.
    Result(RawBuf),
    /// An error, which is the answer.
    Error(RawBuf),
    /// An error that says nothing of what another client would answer: this one cannot.
    Unable(RawBuf),
    /// None: it waits in the log for whoever attaches next.
    Nothing,
}

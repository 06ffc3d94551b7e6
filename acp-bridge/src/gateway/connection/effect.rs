//! What a connection wants done, and what comes of it.

use std::sync::Arc;

use acp_types::record::Seq;
use acp_types::{ErrorObjectOwned, RawBuf, RequestId, SessionId};

use crate::gateway::attachment::{AttachmentId, Seen};
use crate::log::{ListQuery, SessionInfo};
use crate::service::Answer;
use crate::service::follower::SessionFollower;
use crate::session::Command;
use crate::view::v1::attach::Attach;

/// One thing to do. All but the tails have one [`Outcome`].
#[derive(Debug)]
pub(in crate::gateway) enum Effect {
    /// Send a command to the host.
    Submit { session: Option<SessionId>, command: Command, then: Then },
    /// Look a session up, check the cursor, tell the host unless the client only looks on, fold the log, and find where
    /// history begins and what commands have printed before it. `terminals`: the client shows those that an agent
    /// streams.
    Open { session: SessionId, params: RawBuf, entry: EntryKind, id: RequestId, terminals: bool },
    /// Close a session and find out where the log then ends.
    Close { session: SessionId, id: RequestId },
    /// List sessions; the cursor must name one.
    List { query: ListQuery, id: RequestId },
    /// Follow a session from a cursor, through its follower if that is known.
    Tail { attachment: AttachmentId, session: SessionId, after: Seq, follower: Option<Arc<SessionFollower>> },
    /// Follow it no longer.
    Untail { attachment: AttachmentId },
}

impl Effect {
    /// Whether an [`Outcome`] follows.
    pub(in crate::gateway) fn has_result(&self) -> bool {
        !matches!(self, Self::Tail { .. } | Self::Untail { .. })
    }
}

/// What the host's answer to a command is for.
#[derive(Debug)]
pub(in crate::gateway) enum Then {
    /// `initialize`, with the client's params.
    Initialize { id: RequestId, initialize: RawBuf },
    /// `session/new`.
    Created { id: RequestId },
    /// `session/prompt`.
    Prompt { id: RequestId, session: SessionId },
    /// `session/delete`.
    Deleted { id: RequestId },
    /// A request that the agent answers.
    Call { id: RequestId },
    /// That a controller has come or gone.
    Attend,
    /// Nobody waits.
    Nothing,
}

/// How a client wants to come to a session that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::gateway) enum EntryKind {
    /// `session/load`.
    Load,
    /// `session/resume` with a cursor, or without.
    Resume { after: Option<Seq> },
    /// `session/attach`.
    Attach(Box<Attach>),
}

/// A session as it was when a client came to it.
#[derive(Debug)]
pub(in crate::gateway) struct Opened {
    /// For the client.
    pub(in crate::gateway) result: RawBuf,
    pub(in crate::gateway) seen: Seen,
    /// Has the session until it is followed; `None` if it is to be looked for.
    pub(in crate::gateway) follower: Option<Arc<SessionFollower>>,
    /// Where the client's history begins.
    pub(in crate::gateway) after: Seq,
}

/// What came of an effect.
#[derive(Debug)]
pub(in crate::gateway) enum Outcome {
    Submitted {
        then: Then,
        answer: Answer,
    },
    Opened {
        session: SessionId,
        entry: EntryKind,
        id: RequestId,
        opened: Result<Box<Opened>, ErrorObjectOwned>,
    },
    /// Seq of the log's last record after the close.
    Closed {
        session: SessionId,
        id: RequestId,
        head: Result<Seq, ErrorObjectOwned>,
    },
    Listed {
        id: RequestId,
        sessions: Result<Vec<SessionInfo>, ErrorObjectOwned>,
    },
}

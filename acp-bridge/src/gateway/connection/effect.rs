//! Effects that a connection wants, and what comes of them.

use std::sync::Arc;

use acp_types::record::Seq;
use acp_types::{RawBuf, RequestId, SessionId};

use crate::gateway::attachment::{AttachmentId, Seen};
use crate::log::{ListQuery, SessionInfo};
use crate::service::follower::SessionFollower;
use crate::service::{ServiceAnswer, ServiceError};
use crate::session::Command;
use crate::view::{EntryKind, LaneFilter, RequestError, Screen};

/// One thing to do. All but the tails have one [`EffectOutcome`].
#[derive(Debug)]
pub(in crate::gateway) enum Effect {
    /// Send a command to the host.
    Submit { session: Option<SessionId>, command: Command, then: Then },
    /// Look a session up, check the cursor, tell the host unless the client only looks on, fold the log, and find where
    /// history begins and what of the records before it matters. `params` are for the host.
    Open { session: SessionId, params: RawBuf, coming: Box<Coming>, id: RequestId },
    /// Close a session and find out where the log then ends.
    Close { session: SessionId, id: RequestId },
    /// Look at a session.
    Look { session: SessionId, id: RequestId },
    /// List sessions; the cursor must name one.
    List { query: ListQuery, id: RequestId },
    /// Follow a session from a cursor, through its follower if that is known.
    Tail { attachment: AttachmentId, session: SessionId, after: Seq, follower: Option<Arc<SessionFollower>> },
    /// Follow it no longer.
    Untail { attachment: AttachmentId },
}

impl Effect {
    /// Returns whether an [`EffectOutcome`] follows.
    pub(in crate::gateway) fn has_result(&self) -> bool {
        !matches!(self, Self::Tail { .. } | Self::Untail { .. })
    }
}

/// Use of the host's answer to a command.
#[derive(Debug)]
pub(in crate::gateway) enum Then {
    /// Hello, with what the client says of itself.
    Greet { id: RequestId, initialize: RawBuf },
    /// A new session.
    Created { id: RequestId },
    /// A prompt.
    Prompt { id: RequestId, session: SessionId },
    /// Deletion of a session.
    Deleted { id: RequestId },
    /// Request that the host or an agent answers.
    Call { id: RequestId },
    /// Notice that a controller has come or gone.
    Attend,
    /// None: nobody waits.
    Nothing,
}

/// Client on its way to a session that exists.
#[derive(Debug)]
pub(in crate::gateway) struct Coming {
    pub(in crate::gateway) entry: EntryKind,
    /// Lanes of the session that it wants to see.
    pub(in crate::gateway) lanes: LaneFilter,
    /// Screen that shows it the session; it has heard nothing yet when it is asked for.
    pub(in crate::gateway) screen: Box<dyn Screen>,
}

/// Session that was looked up for a client.
#[derive(Debug)]
pub(in crate::gateway) struct Opened {
    /// Result for the client.
    pub(in crate::gateway) result: RawBuf,
    pub(in crate::gateway) seen: Seen,
    /// Follower that has the session until it is followed; `None` if it is to be looked for.
    pub(in crate::gateway) follower: Option<Arc<SessionFollower>>,
    /// Start of the client's history.
    pub(in crate::gateway) after: Seq,
}

/// Outcome of an effect.
#[derive(Debug)]
pub(in crate::gateway) enum EffectOutcome {
    Submitted {
        then: Then,
        answer: ServiceAnswer,
    },
    Opened {
        session: SessionId,
        coming: Box<Coming>,
        id: RequestId,
        opened: Result<Box<Opened>, RequestError>,
    },
    /// Seq of the log's last record after the close.
    Closed {
        session: SessionId,
        id: RequestId,
        head: Result<Seq, ServiceError>,
    },
    /// Whether an agent of a session is there.
    Looked {
        id: RequestId,
        open: Result<bool, ServiceError>,
    },
    Listed {
        id: RequestId,
        sessions: Result<Vec<SessionInfo>, ServiceError>,
    },
}

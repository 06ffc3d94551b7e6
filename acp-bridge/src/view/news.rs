//! News that clients are told and nobody asked for.

use acp_types::record::body::{Outcome, Resolved};
use acp_types::record::{Record, Seq, Turn};

use super::error::RequestError;
use super::member::Member;
use crate::session::{PendingRequest, State};

/// One thing to tell, about one session.
#[derive(Debug)]
pub(crate) enum News<'a> {
    /// All history has been shown to a client that came with a cursor: what follows is live.
    CaughtUp { seq: Seq },
    /// Prompts that wait have changed. `state` has the record in it.
    QueueChanged { change: QueueChange, turn: Turn, record: &'a Record, state: &'a State },
    /// A turn has ended that this client did not prompt.
    TurnEnded { turn: Turn, outcome: &'a Outcome, record: &'a Record },
    /// A turn goes on in a log that cannot be written: there is no record, and hence no cursor.
    TurnUnwritable { turn: Turn, why: &'a RequestError },
    /// A permission request was answered. `by` is the member whose connection the record names, while it is here.
    PermissionResolved { record: &'a Record, resolved: &'a Resolved, asked: &'a PendingRequest, by: Option<&'a Member> },
    /// Somebody has come to the session.
    Came(&'a Member),
    /// Somebody has left it.
    Left(&'a Member),
    /// Nothing of the session follows any more.
    Detached { why: &'a RequestError },
}

/// Change of a prompt that waits, or waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueueChange {
    Queued,
    Edited,
    Moved,
    /// It was given to the agent for the turn that runs, which has not said yet whether it takes it.
    Offered,
    /// It went into the turn that runs.
    Steered,
    Started,
    /// It will not run.
    Ended,
}

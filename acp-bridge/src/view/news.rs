//! News that clients are told and nobody asked for.

use acp_types::record::body::{Outcome, Resolved};
use acp_types::record::{Record, Seq, Turn};

use super::error::RequestError;
use super::member::Member;
use crate::session::{ChildSession, PendingRequest, State};

/// News to tell about one session.
#[derive(Debug)]
pub(crate) enum News<'a> {
    /// End of history, for a client that came with a cursor: what follows is live.
    CaughtUp { seq: Seq },
    /// Change of the prompts that wait. `state` has the record in it.
    QueueChanged { change: QueueChange, turn: Turn, record: &'a Record, state: &'a State },
    /// End of a turn that this client did not prompt.
    TurnEnded { turn: Turn, outcome: &'a Outcome, record: &'a Record },
    /// Turn that goes on in a log that cannot be written: there is no record, and hence no cursor.
    TurnUnwritable { turn: Turn, why: &'a RequestError },
    /// Answer to a permission request. `by` is the member whose connection the record names, while it is here.
    PermissionResolved { record: &'a Record, resolved: &'a Resolved, asked: &'a PendingRequest, by: Option<&'a Member> },
    /// Child session of a lane that this client does not see, which is about to ask it something.
    Child(&'a ChildSession),
    /// Arrival of somebody in the session.
    Came(&'a Member),
    /// Departure of somebody from the session.
    Left(&'a Member),
    /// End of the attachment: nothing of the session follows any more.
    Detached { why: &'a RequestError },
}

/// Change of a prompt that waits, or waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueueChange {
    Queued,
    Edited,
    Moved,
    /// Offered to the agent for the turn that runs, which has not said yet whether it takes it.
    Offered,
    /// Steered into the turn that runs.
    Steered,
    Started,
    /// Ended: it will not run.
    Ended,
}

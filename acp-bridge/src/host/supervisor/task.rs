//! Remains of the tasks of a host.

use acp_types::{RawBuf, SessionId};
use tokio::sync::oneshot;

use crate::command::CommandAnswer;
use crate::host::driver::Driver;
use crate::host::envelope::Envelope;

/// Remains of a task: the session that it served and the commands that it did not take any more.
#[derive(Debug)]
pub(super) enum Finished {
    Session(SessionId, Vec<Envelope>),
    /// The session's queue has room again, or its task has gone.
    Room(SessionId),
    General,
    /// A new session. It is answered only when its task is known, or its first prompt would find none.
    Created {
        driver: Box<Driver>,
        session: SessionId,
        result: RawBuf,
        reply: oneshot::Sender<CommandAnswer>,
    },
}

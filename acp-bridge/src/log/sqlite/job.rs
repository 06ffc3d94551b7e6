//! What the writer is asked to do.

use std::sync::Arc;

use acp_types::SessionId;
use acp_types::record::{Record, Seq};
use tokio::sync::oneshot;

use super::owner::{Adopted, Adoption};
use crate::log::{LogError, SessionInfo};

/// One thing to do, and who waits for it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) work: Work,
    /// Whoever asked may have gone; the work is done all the same.
    pub(super) reply: oneshot::Sender<Result<Done, LogError>>,
}

/// See the calls of [`crate::log::SessionLog`].
#[derive(Debug)]
pub(super) enum Work {
    Create {
        session: SessionId,
        records: Vec<Arc<Record>>,
    },
    Append {
        session: SessionId,
        records: Vec<Arc<Record>>,
    },
    Claim {
        session: SessionId,
    },
    Delete {
        session: SessionId,
    },
    Trim {
        session: SessionId,
        through: Seq,
    },
    LimitSize {
        bytes: u64,
    },
    /// The log is taken over.
    Adopt(Adoption),
    Shutdown,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Done {
    /// The session reaches to `last`, and can be read from cursor `oldest` on.
    Moved {
        last: Seq,
        oldest: Seq,
    },
    Claimed(Box<SessionInfo>),
    Deleted,
    Adopted(Adopted),
    /// There was nothing to do, or nothing to say about it.
    Nothing,
}

impl Work {
    /// The session and the records that its readers are to be told of.
    pub(super) fn records(&self) -> Option<(&SessionId, &[Arc<Record>])> {
        match self {
            Self::Create { session, records } | Self::Append { session, records } => Some((session, records)),
            Self::Trim { session, .. } => Some((session, &[])),
            _ => None,
        }
    }

    /// Bytes that it writes, roughly.
    pub(super) fn weight(&self) -> usize {
        // A commit writes at least the session's row and the end of the table.
        let records = self.records().map_or(&[][..], |(_, records)| records);
        2 * super::schema::PAGE_BYTES + records.iter().map(|record| record.weight()).sum::<usize>()
    }
}

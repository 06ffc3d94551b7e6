//! One follower for each session that a gateway serves: the end of its log, and the state that the log comes to.
//!
//! Whoever reads a session, an attachment for example, has a cursor and shares the rest. Readers near the head take what
//! one of them has read from the log, each record with the state behind it. A reader further behind reads the log itself
//! and folds what it reads, until it is near the head again; it slows nobody and nothing is kept for it.
//!
//! A follower has no task. The first reader that finds the head moved reads for all, so that a record takes no way round.
//! None waits for another: that one may not be polled while its client does not read.
//!
//! | File | Is |
//! |---|---|
//! | `core` | what is folded and what is kept, and for whom; records on their way to a reader: pure |
//! | `cursors` | where the readers are: pure |
//! | `plain` | what need not be looked back for: pure |
//! | `session` | one session's follower, which reads the log for all, and one reader's place, which waits at the head |
//! | `table` | which follower a session has, and what is kept of those that are gone |

mod core;
mod cursors;
mod plain;
mod session;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use acp_types::SessionId;
use acp_types::record::Seq;

pub(crate) use self::core::Batch;
#[cfg(test)]
pub(crate) use self::core::FollowerCore;
pub(crate) use self::plain::LookedFor;
pub(crate) use self::session::{FollowerReader, SessionFollower, Snapshot};
use self::table::Table;
use crate::log::{LogError, SessionLog};

/// One follower for each session that somebody reads.
#[derive(Debug)]
pub(crate) struct Followers {
    log: Arc<dyn SessionLog>,
    looked_for: LookedFor,
    table: Arc<Table<SessionFollower>>,
}

impl Followers {
    /// Creates followers that nobody reads yet. `looked_for`: what the gateway's views look back for before a reader's
    /// cursor.
    pub(crate) fn new(log: Arc<dyn SessionLog>, looked_for: LookedFor) -> Arc<Self> {
        Arc::new(Self { log, looked_for, table: Arc::default() })
    }

    /// Snapshot of a session, as the log has it now.
    ///
    /// # Errors
    /// [`LogError::NotFound`]; [`LogError::Corrupt`] when its records make no sense; whatever a read fails with.
    pub(crate) async fn snapshot(self: &Arc<Self>, session: &SessionId) -> Result<Snapshot, LogError> {
        let follower = self.of(session);
        match Arc::clone(&follower).snapshot().await {
            // Deleted and made anew, perhaps, behind the back of those who still read what was.
            Err(LogError::NotFound { .. }) if follower.is_over() => self.of(session).snapshot().await,
            other => other,
        }
    }

    /// Reads a session from a cursor, for somebody who need not know its state.
    ///
    /// # Errors
    /// As [`FollowerReader::open`].
    pub(crate) async fn reader(self: &Arc<Self>, session: &SessionId, after: Seq) -> Result<FollowerReader, LogError> {
        let follower = self.of(session);
        match follower.info().await {
            Ok(_) => FollowerReader::open(follower, after).await,
            // As above.
            Err(LogError::NotFound { .. }) if follower.is_over() => FollowerReader::open(self.of(session), after).await,
            Err(error) => Err(error),
        }
    }

    /// Follower of a session, made if there is none. It has folded nothing until it is asked for a snapshot or read.
    pub(crate) fn of(self: &Arc<Self>, session: &SessionId) -> Arc<SessionFollower> {
        let new = |kept| SessionFollower::new(&self.log, &self.table, session, kept, self.looked_for);
        self.table.of(session, |follower| !follower.is_over(), new)
    }

    /// Followers that are used, and states that are kept.
    #[cfg(test)]
    fn count(&self) -> (usize, usize) {
        self.table.count()
    }
}

//! What the connections of one gateway share, and the place of one of them in the session.

use std::sync::{Arc, Mutex, MutexGuard};

use acp_types::record::{Record, Seq};

use crate::gateway::attachment::AttachmentId;
use crate::gateway::presence::Presence;
use crate::log::ReadLimit;
use crate::service::follower::{Batch, FollowerCore};
use crate::session::State;

/// A gateway as long as it lives.
#[derive(Debug, Clone, Default)]
pub(super) struct Shared {
    pub(super) presence: Arc<Presence>,
    follower: Arc<Mutex<FollowerCore>>,
}

impl Shared {
    fn follower(&self) -> MutexGuard<'_, FollowerCore> {
        self.follower.lock().expect("one thread")
    }

    /// The session's state as the log has it now.
    pub(super) fn state(&self, log: &[Arc<Record>]) -> Arc<State> {
        let mut follower = self.follower();
        let new = log.iter().filter(|record| record.seq > follower.head() && record.kind.is_control());
        let new: Vec<_> = new.cloned().collect();
        follower.catch_up(&new);
        follower.skip_to(log.len() as Seq);
        follower.state().expect("a log that its own state accepts")
    }
}

/// What the driver of a connection reads through.
#[derive(Debug)]
pub(super) struct Tail {
    shared: Shared,
    pub(super) attachment: AttachmentId,
    pub(super) cursor: Seq,
}

impl Tail {
    pub(super) fn open(shared: &Shared, attachment: AttachmentId, cursor: Seq) -> Self {
        shared.follower().enter(cursor);
        Self { shared: shared.clone(), attachment, cursor }
    }

    /// The next records, so many at most.
    pub(super) fn read(&mut self, log: &[Arc<Record>], some: usize) -> Option<Batch> {
        let mut follower = self.shared.follower();
        let from = usize::try_from(self.cursor).expect("a cursor");
        let batch = match follower.shared(self.cursor, ReadLimit { records: some, bytes: usize::MAX }) {
            Some(batch) => batch,
            None => {
                let upto = log.len().min(from + some);
                follower.take(log.get(from..upto)?.to_vec())
            }
        };
        let last = batch.last_seq()?;
        follower.advance(self.cursor, last);
        self.cursor = last;
        Some(batch)
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.shared.follower().leave(self.cursor);
    }
}

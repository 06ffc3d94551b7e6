//! The followers of a gateway.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use acp_types::SessionId;
use acp_types::record::Seq;

use super::{FollowerCore, FollowerReader, LookedFor, SessionFollower, Snapshot};
use crate::log::{LogError, SessionLog};

/// States that are kept though nobody follows their sessions: a client that comes back finds its session folded. They are
/// no followers; the log does not know of them.
pub(super) const MAX_KEPT: usize = 16;

/// Bytes that one of them may have. A bigger one is folded anew.
pub(super) const MAX_KEPT_BYTES: usize = 1 << 20;

/// One follower for each session that somebody reads.
#[derive(Debug)]
pub(crate) struct Followers {
    log: Arc<dyn SessionLog>,
    looked_for: LookedFor,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    used: HashMap<SessionId, Weak<SessionFollower>>,
    /// The one used last comes last.
    kept: VecDeque<(SessionId, FollowerCore)>,
}

impl Followers {
    /// Nobody reads yet. `looked_for`: what the gateway's views look back for in what was before a reader's cursor.
    pub(crate) fn new(log: Arc<dyn SessionLog>, looked_for: LookedFor) -> Arc<Self> {
        Arc::new(Self { log, looked_for, table: Mutex::default() })
    }

    pub(super) fn log(&self) -> &Arc<dyn SessionLog> {
        &self.log
    }

    /// A session as the log has it now.
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
    /// As [`SessionFollower::reader`].
    pub(crate) async fn reader(self: &Arc<Self>, session: &SessionId, after: Seq) -> Result<FollowerReader, LogError> {
        let follower = self.of(session);
        match follower.info().await {
            Ok(_) => follower.reader(after).await,
            // As above.
            Err(LogError::NotFound { .. }) if follower.is_over() => self.of(session).reader(after).await,
            Err(error) => Err(error),
        }
    }

    /// The session's follower, made if there is none. It has folded nothing until it is asked for a snapshot or read.
    pub(crate) fn of(self: &Arc<Self>, session: &SessionId) -> Arc<SessionFollower> {
        let mut table = self.table();
        let used = table.used.get(session).and_then(Weak::upgrade);
        if let Some(used) = &used
            && !used.is_over()
        {
            return Arc::clone(used);
        }
        let kept = table.kept.iter().position(|(kept, _)| kept == session).and_then(|at| table.kept.remove(at));
        let verified = kept.is_none();
        let follower = Arc::new(SessionFollower {
            followers: Arc::clone(self),
            session: session.clone(),
            core: Mutex::new(kept.map_or_else(|| FollowerCore::new(self.looked_for), |(_, core)| core)),
            verified: AtomicBool::new(verified),
            catching_up: tokio::sync::Mutex::default(),
            over: AtomicBool::new(false),
        });
        table.used.insert(session.clone(), Arc::downgrade(&follower));
        drop(table);
        // It may be the last that holds it, and to let go of it takes the table.
        drop(used);
        follower
    }

    /// Nobody holds a follower any more. `core` is kept for a while, if it is worth it.
    pub(super) fn retire(&self, session: &SessionId, follower: &SessionFollower, core: Option<FollowerCore>) {
        let core = core.filter(|core| core.head() > 0 && core.state().is_ok() && core.weight() <= MAX_KEPT_BYTES);
        let mut table = self.table();
        let is_it = table.used.get(session).is_some_and(|used| std::ptr::eq(used.as_ptr(), follower));
        if !is_it {
            // Another one has come after it.
            return;
        }
        table.used.remove(session);
        let Some(core) = core else { return };
        table.kept.push_back((session.clone(), core));
        let oldest = if table.kept.len() > MAX_KEPT { table.kept.pop_front() } else { None };
        drop(table);
        drop(oldest);
    }

    /// Nothing under the lock can panic half-way.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Followers that are used, and states that are kept.
    #[cfg(test)]
    pub(super) fn count(&self) -> (usize, usize) {
        let table = self.table();
        (table.used.len(), table.kept.len())
    }
}

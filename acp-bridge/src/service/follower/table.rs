//! Which follower a session has, and what is kept of those that are gone.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use acp_types::SessionId;

use super::core::FollowerCore;

/// States that are kept though nobody follows their sessions: a client that comes back finds its session folded. They are
/// no followers; the log does not know of them.
pub(super) const MAX_KEPT: usize = 16;

/// Bytes that one of them may have. A bigger one is folded anew.
pub(super) const MAX_KEPT_BYTES: usize = 1 << 20;

/// Followers by their sessions. A follower has a place here until it is gone, and is held by others.
#[derive(Debug)]
pub(super) struct Table<F>(Mutex<Entries<F>>);

#[derive(Debug)]
struct Entries<F> {
    used: HashMap<SessionId, Weak<F>>,
    /// States that are kept; the one used last comes last.
    kept: VecDeque<(SessionId, FollowerCore)>,
}

impl<F> Default for Table<F> {
    fn default() -> Self {
        Self(Mutex::new(Entries { used: HashMap::new(), kept: VecDeque::new() }))
    }
}

impl<F> Table<F> {
    /// Follower of a session if it is good for those who come, else a new one, made of what is kept.
    pub(super) fn of(
        &self,
        session: &SessionId,
        is_good: impl FnOnce(&F) -> bool,
        new: impl FnOnce(Option<FollowerCore>) -> F,
    ) -> Arc<F> {
        let mut entries = self.entries();
        let used = entries.used.get(session).and_then(Weak::upgrade);
        if let Some(used) = &used
            && is_good(used)
        {
            return Arc::clone(used);
        }
        let kept = entries.kept.iter().position(|(kept, _)| kept == session).and_then(|at| entries.kept.remove(at));
        let follower = Arc::new(new(kept.map(|(_, core)| core)));
        entries.used.insert(session.clone(), Arc::downgrade(&follower));
        drop(entries);
        // It may be the last that holds it, and to let go of it takes the entries.
        drop(used);
        follower
    }

    /// Retires a follower that nobody holds any more. `core` is kept for a while, if it is worth it.
    pub(super) fn retire(&self, session: &SessionId, follower: *const F, core: Option<FollowerCore>) {
        let core = core.filter(|core| core.head() > 0 && core.state().is_ok() && core.weight() <= MAX_KEPT_BYTES);
        let mut entries = self.entries();
        let is_it = entries.used.get(session).is_some_and(|used| std::ptr::eq(used.as_ptr(), follower));
        if !is_it {
            // Another one has come after it.
            return;
        }
        entries.used.remove(session);
        let Some(core) = core else { return };
        entries.kept.push_back((session.clone(), core));
        let oldest = if entries.kept.len() > MAX_KEPT { entries.kept.pop_front() } else { None };
        drop(entries);
        drop(oldest);
    }

    /// Locks the table. Nothing under the lock can panic half-way.
    fn entries(&self) -> MutexGuard<'_, Entries<F>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Followers that are used, and states that are kept.
    #[cfg(test)]
    pub(super) fn count(&self) -> (usize, usize) {
        let entries = self.entries();
        (entries.used.len(), entries.kept.len())
    }
}

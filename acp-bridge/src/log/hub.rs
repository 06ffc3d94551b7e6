//! Where readers near the head of a session find what is new without touching the store.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::mem::size_of;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use acp_types::SessionId;
use acp_types::record::{Record, Seq};
use tokio::sync::watch;

use super::LogError;
use super::info::Head;
use super::query::{self, ReadLimit};

/// How much of the newest records is kept in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Bytes of one session.
    pub(super) session_bytes: usize,
    /// Records of one session.
    pub(super) session_records: usize,
    /// Bytes of all sessions together; beyond it the sessions used least recently are forgotten.
    pub(super) total_bytes: usize,
}

impl Bounds {
    /// Nothing: for a store that is itself memory.
    pub(super) const NONE: Self = Self { session_bytes: 0, session_records: 0, total_bytes: 0 };
}

impl Default for Bounds {
    fn default() -> Self {
        Self { session_bytes: 2 << 20, session_records: 4096, total_bytes: 32 << 20 }
    }
}

/// The heads of all sessions that are written or watched.
pub(super) struct Hub {
    bounds: Bounds,
    entries: Mutex<HashMap<SessionId, Arc<Entry>>>,
    /// Bytes in all rings.
    total: AtomicUsize,
    /// Counts uses: the order in which entries were used.
    clock: AtomicU64,
    /// `clock` at the last sweep.
    swept: AtomicU64,
}

struct Entry {
    head: watch::Sender<Head>,
    /// Whether `head` says what the store says, and not just that nobody has asked it yet.
    known: AtomicBool,
    ring: Mutex<Ring>,
    used: AtomicU64,
}

impl Hub {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            entries: Mutex::default(),
            total: AtomicUsize::new(0),
            clock: AtomicU64::new(0),
            swept: AtomicU64::new(0),
        }
    }

    /// Tells readers of a session about records that are on stable storage, or that older ones are not kept any more.
    /// `last` is the newest of them and `oldest` the smallest cursor from which nothing is missing.
    pub(super) fn publish(&self, session: &SessionId, last: Seq, oldest: Seq, records: &[Arc<Record>]) {
        let entry = self.entry(session);
        if self.bounds.session_records > 0 && !records.is_empty() {
            let mut ring = lock(&entry.ring);
            let (before, after) = ring.push(records, &self.bounds);
            // Under the ring's lock, so that the total never lacks what a ring is about to give back.
            self.total.fetch_add(after, Ordering::Relaxed);
            let total = self.total.fetch_sub(before, Ordering::Relaxed) - before;
            drop(ring);
            if total > self.bounds.total_bytes {
                self.shed();
            }
        }
        entry.head.send_modify(|head| {
            head.last = head.last.max(last);
            head.oldest = head.oldest.max(oldest);
            head.fault = None;
        });
        entry.known.store(true, Ordering::Release);
    }

    /// Follows a session. The value counts only after [`Watch::fill`], or when it is known already.
    pub(super) fn watch(&self, session: &SessionId) -> Watch {
        let mut entries = lock(&self.entries);
        let entry = self.entry_in(&mut entries, session);
        // Subscribed under the lock, so that a sweep sees it.
        let receiver = entry.head.subscribe();
        Watch { entry, receiver }
    }

    /// See [`super::Signals::is_followed`].
    pub(super) fn is_followed(&self, session: &SessionId) -> bool {
        lock(&self.entries).get(session).is_some_and(|entry| entry.head.receiver_count() > 0)
    }

    /// Gives up on following a session that the store does not have.
    pub(super) fn unwatch(&self, session: &SessionId, watch: Watch) {
        let Watch { entry, receiver } = watch;
        let mut entries = lock(&self.entries);
        drop(receiver);
        if !entry.known.load(Ordering::Acquire)
            && entry.head.receiver_count() == 0
            && entries.get(session).is_some_and(|current| Arc::ptr_eq(current, &entry))
        {
            entries.remove(session);
        }
    }

    /// The records after a cursor when they are all at hand; `None` sends the caller to the store.
    pub(super) fn recent(
        &self,
        session: &SessionId,
        after: Seq,
        limit: ReadLimit,
    ) -> Option<Result<Vec<Arc<Record>>, LogError>> {
        let entry = Arc::clone(lock(&self.entries).get(session)?);
        if !entry.known.load(Ordering::Acquire) {
            return None;
        }
        {
            let head = entry.head.borrow();
            if let Err(error) = query::check_cursor(after, head.last, head.oldest) {
                return Some(Err(error));
            }
            if after == head.last {
                return Some(Ok(Vec::new()));
            }
        }
        let records = lock(&entry.ring).read(after, limit)?;
        self.touch(&entry);
        Some(Ok(records))
    }

    /// See [`super::Signals::fault`]. Nobody is told when nobody follows the session.
    pub(super) fn fault(&self, session: &SessionId, reason: &str) {
        let Some(entry) = lock(&self.entries).get(session).map(Arc::clone) else { return };
        entry.head.send_if_modified(|head| {
            let changed = head.fault.as_deref() != Some(reason);
            if changed {
                head.fault = Some(reason.into());
            }
            changed
        });
    }

    /// A session is gone: its tails end. A new session of the same id has nothing to do with them.
    pub(super) fn deleted(&self, session: &SessionId) {
        let Some(entry) = lock(&self.entries).remove(session) else { return };
        self.forget(&entry);
        entry.head.send_modify(|head| head.deleted = true);
    }

    /// Forgets the records of sessions that nobody has used since the last sweep, and heads that nobody follows.
    pub(super) fn sweep(&self) {
        let since = self.swept.swap(self.clock.load(Ordering::Relaxed), Ordering::Relaxed);
        lock(&self.entries).retain(|_, entry| {
            if entry.used.load(Ordering::Relaxed) >= since {
                return true;
            }
            self.forget(entry);
            entry.head.receiver_count() > 0
        });
    }

    /// Ends every tail with [`LogError::Closed`].
    pub(super) fn close(&self) {
        let entries = std::mem::take(&mut *lock(&self.entries));
        for entry in entries.values() {
            self.forget(entry);
        }
    }

    /// Forgets the records used least recently until three quarters of the total are in use.
    fn shed(&self) {
        let mut entries: Vec<_> = lock(&self.entries).values().map(Arc::clone).collect();
        entries.sort_by_key(|entry| entry.used.load(Ordering::Relaxed));
        for entry in entries {
            if self.total.load(Ordering::Relaxed) <= self.bounds.total_bytes / 4 * 3 {
                break;
            }
            self.forget(&entry);
        }
    }

    fn forget(&self, entry: &Entry) {
        let mut ring = lock(&entry.ring);
        self.total.fetch_sub(ring.clear(), Ordering::Relaxed);
    }

    fn entry(&self, session: &SessionId) -> Arc<Entry> {
        let entry = self.entry_in(&mut lock(&self.entries), session);
        self.touch(&entry);
        entry
    }

    fn entry_in(&self, entries: &mut HashMap<SessionId, Arc<Entry>>, session: &SessionId) -> Arc<Entry> {
        if let Some(entry) = entries.get(session) {
            return Arc::clone(entry);
        }
        let entry = Arc::new(Entry {
            head: watch::Sender::new(Head::default()),
            known: AtomicBool::new(false),
            ring: Mutex::default(),
            used: AtomicU64::new(self.clock.load(Ordering::Relaxed)),
        });
        entries.insert(session.clone(), Arc::clone(&entry));
        entry
    }

    fn touch(&self, entry: &Entry) {
        entry.used.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// A session being followed.
pub(super) struct Watch {
    entry: Arc<Entry>,
    receiver: watch::Receiver<Head>,
}

impl Watch {
    /// The receiver, when its value counts already.
    pub(super) fn known(&self) -> Option<watch::Receiver<Head>> {
        self.entry.known.load(Ordering::Acquire).then(|| self.receiver.clone())
    }

    /// Takes over what the store says. Whatever was published meanwhile is newer and stays.
    pub(super) fn fill(self, last: Seq, oldest: Seq) -> watch::Receiver<Head> {
        self.entry.head.send_modify(|head| {
            head.last = head.last.max(last);
            head.oldest = head.oldest.max(oldest);
        });
        self.entry.known.store(true, Ordering::Release);
        self.receiver
    }
}

/// Consecutive records, oldest first.
#[derive(Debug, Default)]
struct Ring {
    records: VecDeque<Arc<Record>>,
    bytes: usize,
}

impl Ring {
    /// Adds records, dropping the oldest as the bounds demand. Returns the bytes held before and after.
    fn push(&mut self, records: &[Arc<Record>], bounds: &Bounds) -> (usize, usize) {
        let before = self.bytes;
        if let (Some(last), Some(first)) = (self.records.back(), records.first())
            && first.seq != last.seq + 1
        {
            self.clear();
        }
        for record in records {
            self.bytes += cost(record);
            self.records.push_back(Arc::clone(record));
        }
        while (self.bytes > bounds.session_bytes || self.records.len() > bounds.session_records)
            && let Some(oldest) = self.records.pop_front()
        {
            self.bytes -= cost(&oldest);
        }
        (before, self.bytes)
    }

    /// Records after a cursor, at least one; `None` when the next one is not here.
    fn read(&self, after: Seq, limit: ReadLimit) -> Option<Vec<Arc<Record>>> {
        let first = self.records.front()?.seq;
        let skip = usize::try_from((after + 1).checked_sub(first)?).ok()?;
        if skip >= self.records.len() {
            return None;
        }
        let mut budget = limit.budget();
        let within = |record: &&Arc<Record>| budget.admits(record.weight());
        Some(self.records.range(skip..).take_while(within).map(Arc::clone).collect())
    }

    /// Drops everything; returns the bytes that were held.
    fn clear(&mut self) -> usize {
        self.records = VecDeque::new();
        std::mem::take(&mut self.bytes)
    }
}

/// Memory of a record: itself, its body, the counters of both, and its place here.
fn cost(record: &Record) -> usize {
    size_of::<Record>() + record.body.as_str().len() + 4 * size_of::<usize>() + size_of::<usize>()
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("sessions", &lock(&self.entries).len())
            .field("bytes", &self.total.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

/// No lock here is held over anything that can panic half-way through a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

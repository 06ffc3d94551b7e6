//! Who commits: the writer's thread, or a caller itself.
//!
//! Two threads that wake each other cost more time than a small commit. So whoever has a small append commits it itself
//! when nobody else has anything to commit. Else it goes to the thread, which commits whatever has queued in one go. What
//! was handed to the thread is never overtaken: while it has anything to do, everything goes to it.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::job::{Done, Job, Work};
use super::writer::Writer;
use crate::log::LogError;

/// Commits that take longer on average are left to the thread: whoever commits itself does nothing else meanwhile.
const QUICK: Duration = Duration::from_millis(1);

/// Where work is handed in.
#[derive(Debug)]
pub(super) struct Desk {
    shared: Arc<Shared>,
    jobs: mpsc::Sender<Job>,
}

/// The writer, and how much its thread has to do.
pub(super) struct Shared {
    /// Jobs on their way to the thread, or taken by it and not done.
    queued: AtomicUsize,
    /// `None` once it is closed.
    writer: Mutex<Option<Writer>>,
}

impl Desk {
    pub(super) fn new(writer: Writer, jobs: mpsc::Sender<Job>) -> Self {
        Self { shared: Arc::new(Shared { queued: AtomicUsize::new(0), writer: Mutex::new(Some(writer)) }), jobs }
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Has something done and waits until it is on stable storage. Work that was handed in before by the same caller is
    /// done before.
    pub(super) async fn run(&self, work: Work) -> Result<Done, LogError> {
        if let Some(done) = self.shared.try_now(&work) {
            return done;
        }
        // Counted before there is room for it, so that nothing that comes later is done by its caller meanwhile.
        let ticket = Ticket::new(&self.shared);
        let (reply, answer) = oneshot::channel();
        let room = self.jobs.reserve().await.map_err(|_| LogError::Closed)?;
        ticket.hand_over();
        room.send(Job { work, reply });
        answer.await.unwrap_or(Err(LogError::Closed))
    }
}

/// One job that is on its way to the thread. If its caller gives up before there is room for it, it never was.
struct Ticket<'a>(Option<&'a Shared>);

impl<'a> Ticket<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.queued.fetch_add(1, Ordering::AcqRel);
        Self(Some(shared))
    }

    /// From here on the thread counts it.
    fn hand_over(mut self) {
        self.0 = None;
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if let Some(shared) = self.0 {
            shared.done(1);
        }
    }
}

impl Shared {
    fn try_now(&self, work: &Work) -> Option<Result<Done, LogError>> {
        if self.queued.load(Ordering::Acquire) > 0 {
            return None;
        }
        let mut writer = match self.writer.try_lock() {
            Ok(writer) => writer,
            Err(TryLockError::Poisoned(writer)) => writer.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        writer.as_mut()?.write_now(work)
    }

    /// Uses the writer, once nobody else does; `None` if it is closed.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Writer) -> T) -> Option<T> {
        self.lock().as_mut().map(work)
    }

    /// The thread has done so many jobs.
    pub(super) fn done(&self, jobs: usize) {
        self.queued.fetch_sub(jobs, Ordering::AcqRel);
    }

    /// Takes the writer, to close it.
    pub(super) fn take(&self) -> Option<Writer> {
        self.lock().take()
    }

    /// A transaction that a panic left open fails the next one to begin, which is reported.
    fn lock(&self) -> MutexGuard<'_, Option<Writer>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("queued", &self.queued).finish_non_exhaustive()
    }
}

/// How long small commits take: the moving average of about the last eight.
#[derive(Debug, Default)]
pub(super) struct Pace {
    average: Duration,
}

impl Pace {
    pub(super) fn took(&mut self, time: Duration) {
        // One that was held up does not count for more than eight times the limit, so that it is soon forgotten.
        self.average = (self.average * 7 + time.min(QUICK * 8)) / 8;
    }

    pub(super) fn is_quick(&self) -> bool {
        self.average < QUICK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_commit_themselves_again_once_commits_are_quick_again() {
        let mut pace = Pace::default();
        assert!(pace.is_quick());
        (0..3).for_each(|_| pace.took(Duration::from_micros(400)));
        assert!(pace.is_quick());
        (0..20).for_each(|_| pace.took(Duration::from_secs(2)));
        assert!(!pace.is_quick());
        (0..20).for_each(|_| pace.took(Duration::from_micros(400)));
        assert!(pace.is_quick());
    }
}

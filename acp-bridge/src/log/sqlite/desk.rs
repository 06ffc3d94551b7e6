//! Who commits: the writer's thread, or a caller itself.
//!
//! Two threads that wake each other cost more time than a small commit. So whoever has a small append commits it itself
//! when nobody else has anything to commit. Else it goes to the thread, which commits whatever has queued in one go. What
//! was handed to the thread is never overtaken: while it has anything to do, everything goes to it.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;

use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

use super::connection::Durability;
use super::failure;
use super::job::{Done, Job, Work};
use super::readers::Readers;
use super::writer::Writer;
use crate::log::hub::Hub;
use crate::log::{LogError, OpenError};

/// Jobs waiting for the writer. Each belongs to a caller that waits for it, so this bounds callers, not records; the
/// next caller waits for room.
const QUEUE: usize = 256;

/// Jobs in one commit.
const MAX_JOBS: usize = 256;
/// Bytes in one commit, roughly: what is written while others wait. One larger job is a commit of its own.
const MAX_BYTES: usize = 4 << 20;

/// Where work is handed in.
#[derive(Debug)]
pub(super) struct Desk {
    shared: Arc<Shared>,
    jobs: mpsc::Sender<Job>,
}

/// The writer, and how much its thread has to do.
struct Shared {
    /// Jobs on their way to the thread, or taken by it and not done.
    queued: AtomicUsize,
    /// `None` once it is closed.
    writer: Mutex<Option<Writer>>,
}

impl Desk {
    /// Opens the file and starts the thread, which ends when the desk is gone, or on [`Work::Shutdown`].
    pub(super) fn open(
        path: &Path,
        durability: Durability,
        hub: Arc<Hub>,
        readers: Arc<Readers>,
    ) -> Result<Self, OpenError> {
        let writer = Writer::open(path, durability, hub, readers)?;
        let (sender, jobs) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared { queued: AtomicUsize::new(0), writer: Mutex::new(Some(writer)) });
        let thread = Thread { shared: Arc::clone(&shared), jobs };
        thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || thread.run())
            .map_err(|e| failure::io(path, &e))?;
        Ok(Self { shared, jobs: sender })
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
    fn with<T>(&self, work: impl FnOnce(&mut Writer) -> T) -> Option<T> {
        self.lock().as_mut().map(work)
    }

    /// The thread has done so many jobs.
    fn done(&self, jobs: usize) {
        self.queued.fetch_sub(jobs, Ordering::AcqRel);
    }

    /// Takes the writer, to close it.
    fn take(&self) -> Option<Writer> {
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

/// The thread: it takes what its callers do not do themselves, and all that takes long.
struct Thread {
    shared: Arc<Shared>,
    jobs: mpsc::Receiver<Job>,
}

impl Thread {
    fn run(mut self) {
        let mut batch = Vec::new();
        let asked = loop {
            let Some(first) = self.next() else { break None };
            let bytes = self.gather(first, &mut batch);
            let jobs = batch.len();
            let asked = self.shared.with(|writer| writer.write(&mut batch, bytes));
            self.shared.done(jobs);
            if let Some(asked) = asked.flatten() {
                break Some(asked);
            }
        };
        if let Some(writer) = self.shared.take() {
            writer.close();
        }
        if let Some(asked) = asked {
            // Whoever asked may have gone.
            let _ = asked.send(Ok(Done::Nothing));
        }
    }

    /// The next job. Deleted records are removed while there is none, and now and then when there always is one.
    fn next(&mut self) -> Option<Job> {
        while self.shared.with(|writer| writer.is_untidy()).unwrap_or(false) {
            if self.shared.with(Writer::tidy_if_overdue).unwrap_or(false) {
                continue;
            }
            match self.jobs.try_recv() {
                Ok(job) => return Some(job),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {
                    self.shared.with(Writer::tidy);
                }
            }
        }
        self.jobs.blocking_recv()
    }

    /// What has queued while the last commit ran goes into the next one. Returns the bytes that it writes, roughly.
    fn gather(&mut self, first: Job, batch: &mut Vec<Job>) -> usize {
        let mut bytes = first.work.weight();
        let mut last = matches!(first.work, Work::Shutdown);
        batch.push(first);
        while !last
            && batch.len() < MAX_JOBS
            && bytes < MAX_BYTES
            && let Ok(job) = self.jobs.try_recv()
        {
            bytes += job.work.weight();
            last = matches!(job.work, Work::Shutdown);
            batch.push(job);
        }
        bytes
    }
}

//! The log as its writers see it, and who commits: a caller itself, or the thread of [`super::thread`]. Whoever does has the [`Writer`] meanwhile.
//!
//! Two threads that wake each other cost more time than a small commit. So whoever has a small append commits it itself
//! when nobody else has anything to commit. Else it goes to the thread, which commits whatever has queued in one go. What
//! was handed to the thread is never overtaken: while it has anything to do, everything goes to it.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Instant;

use acp_types::SessionId;
use acp_types::record::{Epoch, Record, Seq};
use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::checkpointer::Checkpointer;
use super::connection::Durability;
use super::job::{Done, Job, Work};
use super::lock::FileLock;
use super::pace::Pace;
use super::readers::Readers;
use super::store::Store;
use super::tidying::Tidying;
use super::{connection, schema};
use crate::log::coordination::{Coordination, InProcess};
use crate::log::hub::Hub;
use crate::log::{LogError, LogWriter, MemberId, OpenError, SessionInfo, SessionLog};

/// Jobs waiting for the thread. Each belongs to a caller that waits for it, so this bounds callers, not records; the
/// next caller waits for room.
const QUEUE: usize = 256;

/// Records of an append that its caller may commit itself, and their bytes as [`Work::weight`] counts them. Of more it is
/// better to make the next ones ready meanwhile.
const FEW: usize = 8;
const SMALL: usize = 32 << 10;

/// A log in one SQLite file, held by one bridge at a time.
///
/// Call [`SessionLog::shutdown`] to close it; one that is only dropped closes in the background, a little later.
#[derive(Debug)]
pub struct SqliteLog {
    desk: Desk,
    pub(super) readers: Arc<Readers>,
    pub(super) hub: Arc<Hub>,
    pub(super) coordination: Coordination,
    closed: AtomicBool,
}

impl SqliteLog {
    /// A log over its file, and what the thread needs that serves it.
    pub(super) fn new(
        writer: Writer,
        readers: Arc<Readers>,
        hub: Arc<Hub>,
    ) -> (Self, Arc<Shared>, mpsc::Receiver<Job>) {
        let (desk, shared, jobs) = Desk::new(writer);
        let log = Self { desk, readers, hub, coordination: Coordination::default(), closed: AtomicBool::new(false) };
        (log, shared, jobs)
    }

    /// Has the writer do something and waits until it is on stable storage.
    pub(super) async fn run(&self, work: Work) -> Result<Done, LogError> {
        self.desk.run(work).await
    }

    pub(super) fn still_open(&self) -> Result<(), LogError> {
        if self.closed.load(Ordering::Acquire) { Err(LogError::Closed) } else { Ok(()) }
    }
}

#[async_trait]
impl LogWriter for SqliteLog {
    async fn create(&self, session: &SessionId, host: &MemberId, records: Vec<Arc<Record>>) -> Result<(), LogError> {
        self.coordination.admit(host)?;
        // Nobody else can claim a session that is not there yet.
        self.run(Work::Create { session: session.clone(), records }).await?;
        self.coordination.claim(session, host)?;
        self.coordination.claimed(session, host, 1);
        Ok(())
    }

    async fn claim(&self, session: &SessionId, host: &MemberId) -> Result<SessionInfo, LogError> {
        self.still_open()?;
        self.coordination.claim(session, host)?;
        let claimed = match self.run(Work::Claim { session: session.clone() }).await {
            Ok(Done::Claimed(info)) => Ok(*info),
            Ok(_) => Err(LogError::NotFound { session: session.clone() }),
            Err(error) => Err(error),
        };
        match &claimed {
            Ok(info) => self.coordination.claimed(session, host, info.epoch),
            Err(_) => self.coordination.unclaim(session, host),
        }
        claimed
    }

    async fn release(&self, session: &SessionId, host: &MemberId, epoch: Epoch) -> Result<(), LogError> {
        self.still_open()?;
        self.coordination.release(session, host, epoch);
        Ok(())
    }

    async fn append(&self, session: &SessionId, records: Vec<Arc<Record>>) -> Result<(), LogError> {
        self.run(Work::Append { session: session.clone(), records }).await.map(drop)
    }

    async fn trim(&self, session: &SessionId, through: Seq) -> Result<Seq, LogError> {
        match self.run(Work::Trim { session: session.clone(), through }).await? {
            Done::Moved { oldest, .. } => Ok(oldest),
            _ => Err(LogError::NotFound { session: session.clone() }),
        }
    }

    async fn delete(&self, session: &SessionId) -> Result<bool, LogError> {
        let done = self.run(Work::Delete { session: session.clone() }).await?;
        self.coordination.deleted(session);
        Ok(matches!(done, Done::Deleted))
    }
}

impl InProcess for SqliteLog {
    fn coordination(&self) -> &Coordination {
        &self.coordination
    }

    fn hub(&self) -> &Hub {
        &self.hub
    }
}

#[async_trait]
impl SessionLog for SqliteLog {
    async fn shutdown(&self) {
        self.closed.store(true, Ordering::Release);
        self.readers.close().await;
        // Fails when the writer has stopped already.
        let _ = self.run(Work::Shutdown).await;
        self.coordination.close();
        self.hub.close();
    }
}

/// Where work is handed in.
#[derive(Debug)]
struct Desk {
    shared: Arc<Shared>,
    jobs: mpsc::Sender<Job>,
}

/// The writer, and how much the thread has to do.
pub(super) struct Shared {
    /// Jobs on their way to the thread, or taken by it and not done.
    queued: AtomicUsize,
    /// `None` once it is closed.
    writer: Mutex<Option<Writer>>,
}

impl Desk {
    fn new(writer: Writer) -> (Self, Arc<Shared>, mpsc::Receiver<Job>) {
        let (sender, jobs) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared { queued: AtomicUsize::new(0), writer: Mutex::new(Some(writer)) });
        (Self { shared: Arc::clone(&shared), jobs: sender }, shared, jobs)
    }

    /// Has something done and waits until it is on stable storage. Work that was handed in before by the same caller is
    /// done before.
    async fn run(&self, work: Work) -> Result<Done, LogError> {
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

/// What writes: whoever has it is the only one.
pub(super) struct Writer {
    store: Store,
    checkpointer: Checkpointer,
    tidying: Tidying,
    pace: Pace,
    lock: FileLock,
}

impl Writer {
    /// Opens the file, or makes it, and keeps its lock. Nothing is written beside a file that is somebody else's.
    pub(super) fn open(
        path: &Path,
        durability: Durability,
        hub: &Arc<Hub>,
        readers: Arc<Readers>,
    ) -> Result<Self, OpenError> {
        schema::refuse_foreign(path)?;
        let lock = FileLock::take(path)?;
        schema::refuse_truncated(path)?;
        let store = Store::new(connection::writer(path, durability)?, Arc::clone(hub));
        let checkpointer = Checkpointer::start(path, Arc::clone(hub), readers)?;
        Ok(Self { store, checkpointer, tidying: Tidying::new(), pace: Pace::default(), lock })
    }

    /// Removes what somebody waits for to be gone, and closes the file.
    pub(super) fn close(self) {
        let Self { mut store, mut checkpointer, mut tidying, lock, .. } = self;
        tidying.finish(&mut store, &mut checkpointer);
        // The last connection to close moves everything into the main file and removes the write-ahead log.
        checkpointer.stop();
        drop(store);
        drop(lock);
        tidying.closed();
    }

    /// Whether something that was deleted is still in the files.
    pub(super) fn is_untidy(&self) -> bool {
        self.tidying.is_due()
    }

    /// Does a step of removing it if that has waited for too many commits; whether it did.
    pub(super) fn tidy_if_overdue(&mut self) -> bool {
        self.tidying.step_if_overdue(&mut self.store, &mut self.checkpointer)
    }

    /// Does a step of removing it.
    pub(super) fn tidy(&mut self) {
        self.tidying.step(&mut self.store, &mut self.checkpointer);
    }

    /// Commits an append for its caller, if that takes no longer than to have the thread do it: it is small, commits are
    /// quick, and nothing else is to be done. `None` leaves it to the thread.
    fn write_now(&mut self, work: &Work) -> Option<Result<Done, LogError>> {
        if !is_small(work) || self.is_untidy() || !self.pace.is_quick() || !self.checkpointer.is_idle() {
            return None;
        }
        let began = Instant::now();
        let begun = match self.store.begin_now() {
            // Another program writes; the thread waits for it.
            Ok(false) => return None,
            begun => begun.map(drop),
        };
        let outcomes = self.store.commit_all(begun, std::iter::once(work));
        self.checkpointer.written(work.weight());
        match outcomes {
            Ok(mut outcomes) => {
                let outcome = outcomes.pop()?;
                self.pace.took(began.elapsed());
                self.checkpointer.keep_room();
                Some(outcome.done)
            }
            Err(error) => {
                tracing::error!(%error, jobs = 1, "a commit to the session log failed");
                Some(Err(error))
            }
        }
    }

    /// Commits a batch of about so many bytes, then answers. Returns who asked for the end.
    pub(super) fn write(
        &mut self,
        batch: &mut Vec<Job>,
        bytes: usize,
    ) -> Option<oneshot::Sender<Result<Done, LogError>>> {
        self.checkpointer.written(bytes);
        let began = Instant::now();
        let begun = self.store.begin();
        let outcomes = self.store.commit_all(begun, batch.iter().map(|job| &job.work));
        if batch.len() == 1 && is_small(&batch[0].work) {
            self.pace.took(began.elapsed());
        }
        let mut asked = None;
        match outcomes {
            Ok(outcomes) => {
                for (job, outcome) in batch.drain(..).zip(outcomes) {
                    self.tidying.committed(&job.work, &outcome);
                    match outcome.done {
                        _ if matches!(job.work, Work::Shutdown) => asked = Some(job.reply),
                        Ok(done) if outcome.erases => self.tidying.answer_when_gone(job.reply, done),
                        // Whoever asked may have gone.
                        done => drop(job.reply.send(done)),
                    }
                }
                self.checkpointer.start_over_if_large(self.store.connection());
            }
            Err(error) => {
                tracing::error!(%error, jobs = batch.len(), "a commit to the session log failed");
                for job in batch.drain(..) {
                    if matches!(job.work, Work::Shutdown) {
                        asked = Some(job.reply);
                    } else {
                        let _ = job.reply.send(Err(error.clone()));
                    }
                }
            }
        }
        asked
    }
}

/// Whether it is an append that its caller may commit itself.
fn is_small(work: &Work) -> bool {
    matches!(work, Work::Append { records, .. } if records.len() <= FEW) && work.weight() <= SMALL
}

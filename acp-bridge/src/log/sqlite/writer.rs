//! The one writer, and the thread that it belongs to. See [`super::desk`] for who else may use it.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use acp_server::HOP;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::oneshot;
use tracing::trace;

use super::desk::{Desk, Pace, Shared};
use super::erasure::Erasure;
use super::job::{Done, Job, Work};
use super::keeper::Keeper;
use super::lock::FileLock;
use super::readers::Readers;
use super::store::{Refusal, Store};
use super::{Durability, connection, failure, garbage, schema};
use crate::log::hub::Hub;
use crate::log::{LogError, OpenError};

/// Jobs in one commit.
const MAX_JOBS: usize = 256;
/// Commits after which some of the deleted records are removed though there is more to commit; else a log that is never
/// idle would keep them for ever.
const MAX_BUSY: usize = 64;
/// Bytes in one commit, roughly: what is written while others wait. One larger job is a commit of its own.
const MAX_BYTES: usize = 4 << 20;

/// Records of an append that its caller may commit itself, and their bytes as [`Work::weight`] counts them. Of more it is
/// better to make the next ones ready meanwhile.
const FEW: usize = 8;
const SMALL: usize = 32 << 10;

/// What one piece of work came to, and whether something is to be gone before it is answered.
type Outcome = (Result<Done, LogError>, bool);

/// Opens the file and starts its writer. The thread ends when every sender is gone, or on [`Work::Shutdown`].
pub(super) fn start(
    path: &Path,
    durability: Durability,
    hub: Arc<Hub>,
    readers: Arc<Readers>,
    queue: usize,
) -> Result<Desk, OpenError> {
    schema::refuse_foreign(path)?;
    let lock = FileLock::take(path)?;
    schema::refuse_truncated(path)?;
    let store = Store::new(connection::writer(path, durability)?);
    let keeper = Keeper::start(path, Arc::clone(&hub), readers)?;
    let (sender, jobs) = mpsc::channel(queue);
    let erasure = Erasure::default();
    let writer = Writer { store, keeper, hub, garbage: true, busy: 0, erasure, pace: Pace::default(), lock };
    let desk = Desk::new(writer, sender);
    let shared = desk.shared();
    thread::Builder::new()
        .name("log-writer".to_owned())
        .spawn(move || Thread { shared, jobs }.run())
        .map_err(|e| failure::io(path, &e))?;
    Ok(desk)
}

/// What writes: whoever has it is the only one.
pub(super) struct Writer {
    store: Store,
    keeper: Keeper,
    hub: Arc<Hub>,
    /// Whether deleted records may be waiting to be removed.
    garbage: bool,
    /// Commits since some were removed.
    busy: usize,
    /// Who waits until deleted records are gone from the files.
    erasure: Erasure,
    pace: Pace,
    lock: FileLock,
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
            let asked = self.shared.with(|writer| {
                writer.keeper.written(bytes);
                writer.write(&mut batch)
            });
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

impl Writer {
    fn close(mut self) {
        while self.garbage && self.erasure.is_awaited() {
            self.collect();
        }
        let Self { store, keeper, lock, mut erasure, .. } = self;
        // The last connection to close moves everything into the main file and removes the write-ahead log.
        keeper.stop();
        drop(store);
        drop(lock);
        erasure.done();
    }

    /// Whether something that was deleted is still in the files.
    fn is_untidy(&self) -> bool {
        self.garbage || self.erasure.is_due()
    }

    /// Does a step of it if that has waited for too many commits; whether it did.
    fn tidy_if_overdue(&mut self) -> bool {
        self.busy += 1;
        // Somebody waits for it: then every other commit is for that.
        let most = if self.erasure.is_awaited() { 1 } else { MAX_BUSY };
        let overdue = self.busy > most;
        if overdue {
            self.tidy();
        }
        overdue
    }

    /// One step towards files without what was deleted.
    fn tidy(&mut self) {
        if self.garbage { self.collect() } else { self.erase() }
    }

    fn erase(&mut self) {
        self.busy = 0;
        match self.keeper.cut(self.store.connection()) {
            Ok(true) => self.erasure.done(),
            Ok(false) => self.erasure.held_up(),
            Err(error) => {
                tracing::warn!(%error, "deleted records are still in the write-ahead log of the session log");
                self.erasure.fail(&failure::write(&error));
            }
        }
    }

    /// Commits an append for its caller, if that takes no longer than to have the thread do it: it is small, commits are
    /// quick, and nothing else is to be done. `None` leaves it to the thread.
    pub(super) fn write_now(&mut self, work: &Work) -> Option<Result<Done, LogError>> {
        if !is_small(work) || self.is_untidy() || !self.pace.is_quick() || !self.keeper.is_idle() {
            return None;
        }
        let began = Instant::now();
        let begun = match self.store.begin_now() {
            // Another program writes; the thread waits for it.
            Ok(false) => return None,
            begun => begun.map(drop),
        };
        let outcome = self.transaction(begun, [work]);
        self.keeper.written(work.weight());
        match outcome {
            Ok(mut outcomes) => {
                let (outcome, _) = outcomes.pop()?;
                self.publish(work, &outcome);
                self.pace.took(began.elapsed());
                Some(outcome)
            }
            Err(error) => {
                tracing::error!(%error, jobs = 1, "a commit to the session log failed");
                Some(Err(error))
            }
        }
    }

    /// Commits a batch, tells the readers, then answers. Returns who asked for the end.
    fn write(&mut self, batch: &mut Vec<Job>) -> Option<oneshot::Sender<Result<Done, LogError>>> {
        let began = Instant::now();
        let begun = self.store.begin();
        let outcomes = self.transaction(begun, batch.iter().map(|job| &job.work));
        if batch.len() == 1 && is_small(&batch[0].work) {
            self.pace.took(began.elapsed());
        }
        let mut asked = None;
        match outcomes {
            Ok(outcomes) => {
                for (job, (outcome, _)) in batch.iter().zip(&outcomes) {
                    self.publish(&job.work, outcome);
                }
                for (job, outcome) in batch.drain(..).zip(outcomes) {
                    match outcome {
                        _ if matches!(job.work, Work::Shutdown) => asked = Some(job.reply),
                        (Ok(done), true) => self.erasure.wait(job.reply, done),
                        // Whoever asked may have gone.
                        (outcome, _) => drop(job.reply.send(outcome)),
                    }
                }
                self.keeper.start_over_if_large(self.store.connection());
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

    /// All of a batch or nothing, once a transaction has begun. What is not allowed fails alone; what the disk refuses
    /// fails everything.
    fn transaction<'a>(
        &mut self,
        begun: rusqlite::Result<()>,
        batch: impl IntoIterator<Item = &'a Work>,
    ) -> Result<Vec<Outcome>, LogError> {
        trace!(name: "begun", target: HOP, "");
        let done = begun.and_then(|()| self.try_transaction(batch));
        done.map_err(|error| {
            self.store.roll_back();
            failure::write(&error)
        })
    }

    fn try_transaction<'a>(&mut self, batch: impl IntoIterator<Item = &'a Work>) -> rusqlite::Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        for work in batch {
            let outcome = match self.store.apply(work) {
                Ok(done) => Ok(done),
                Err(Refusal::Logical(error)) => Err(error),
                Err(Refusal::Sql(error)) => return Err(error),
            };
            outcomes.push((outcome, self.store.erases()));
        }
        trace!(name: "inserted", target: HOP, "");
        self.store.commit()?;
        trace!(name: "committed", target: HOP, "");
        Ok(outcomes)
    }

    fn publish(&mut self, work: &Work, outcome: &Result<Done, LogError>) {
        match (work, outcome) {
            (Work::Delete { session }, Ok(Done::Deleted)) => {
                self.garbage = true;
                self.hub.deleted(session);
            }
            (work, Ok(Done::Moved { last, oldest })) => {
                let Some((session, records)) = work.records() else { return };
                self.garbage |= matches!(work, Work::Trim { .. });
                // A later job of the same batch may have moved the head further; its records follow.
                let last = records.last().map_or(*last, |record| record.seq);
                self.hub.publish(session, last, *oldest, records);
            }
            _ => {}
        }
    }

    fn collect(&mut self) {
        self.busy = 0;
        let collected = self.store.begin().and_then(|()| {
            let more = garbage::collect(self.store.connection())?;
            self.store.commit()?;
            Ok(more)
        });
        match collected {
            Ok(more) => {
                self.garbage = more;
                if more {
                    self.erasure.removed();
                }
                self.keeper.written(if more { 512 << 10 } else { 0 });
                self.keeper.start_over_if_large(self.store.connection());
            }
            Err(error) => {
                self.store.roll_back();
                // It is tried again after the next deletion, or when the log is opened next.
                self.garbage = false;
                self.erasure.fail(&failure::write(&error));
                tracing::warn!(%error, "deleted records of the session log cannot be removed yet");
            }
        }
    }
}

/// Whether it is an append that its caller may commit itself.
fn is_small(work: &Work) -> bool {
    matches!(work, Work::Append { records, .. } if records.len() <= FEW) && work.weight() <= SMALL
}

//! The one writer: commits batches, and removes what was deleted. Who uses it is up to [`super::desk`].

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use acp_server::HOP;
use tokio::sync::oneshot;
use tracing::trace;

use super::checkpointer::Checkpointer;
use super::connection::Durability;
use super::erasure::Erasure;
use super::job::{Done, Job, Work};
use super::lock::FileLock;
use super::readers::Readers;
use super::store::{Refusal, Store};
use super::{connection, failure, garbage, schema};
use crate::log::hub::Hub;
use crate::log::{LogError, OpenError};

/// Commits after which some of the deleted records are removed though there is more to commit; else a log that is never
/// idle would keep them for ever.
const MAX_BUSY: usize = 64;
/// Records of an append that its caller may commit itself, and their bytes as [`Work::weight`] counts them. Of more it is
/// better to make the next ones ready meanwhile.
const FEW: usize = 8;
const SMALL: usize = 32 << 10;

/// Commits that take longer on average are left to the thread: whoever commits itself does nothing else meanwhile.
const QUICK: Duration = Duration::from_millis(1);

/// What one piece of work came to, and whether something is to be gone before it is answered.
type Outcome = (Result<Done, LogError>, bool);

/// What writes: whoever has it is the only one.
pub(super) struct Writer {
    store: Store,
    checkpointer: Checkpointer,
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

impl Writer {
    /// Opens the file, or makes it, and keeps its lock. Nothing is written beside a file that is somebody else's.
    pub(super) fn open(
        path: &Path,
        durability: Durability,
        hub: Arc<Hub>,
        readers: Arc<Readers>,
    ) -> Result<Self, OpenError> {
        schema::refuse_foreign(path)?;
        let lock = FileLock::take(path)?;
        schema::refuse_truncated(path)?;
        let store = Store::new(connection::writer(path, durability)?);
        let checkpointer = Checkpointer::start(path, Arc::clone(&hub), readers)?;
        let (erasure, pace) = (Erasure::default(), Pace::default());
        Ok(Self { store, checkpointer, hub, garbage: true, busy: 0, erasure, pace, lock })
    }

    /// Removes what somebody waits for to be gone, and closes the file.
    pub(super) fn close(mut self) {
        while self.garbage && self.erasure.is_awaited() {
            self.collect();
        }
        let Self { store, checkpointer, lock, mut erasure, .. } = self;
        // The last connection to close moves everything into the main file and removes the write-ahead log.
        checkpointer.stop();
        drop(store);
        drop(lock);
        erasure.done();
    }

    /// Whether something that was deleted is still in the files.
    pub(super) fn is_untidy(&self) -> bool {
        self.garbage || self.erasure.is_due()
    }

    /// Does a step of it if that has waited for too many commits; whether it did.
    pub(super) fn tidy_if_overdue(&mut self) -> bool {
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
    pub(super) fn tidy(&mut self) {
        if self.garbage { self.collect() } else { self.erase() }
    }

    fn erase(&mut self) {
        self.busy = 0;
        match self.checkpointer.cut(self.store.connection()) {
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
        if !is_small(work) || self.is_untidy() || !self.pace.is_quick() || !self.checkpointer.is_idle() {
            return None;
        }
        let began = Instant::now();
        let begun = match self.store.begin_now() {
            // Another program writes; the thread waits for it.
            Ok(false) => return None,
            begun => begun.map(drop),
        };
        let outcome = self.transaction(begun, [work]);
        self.checkpointer.written(work.weight());
        match outcome {
            Ok(mut outcomes) => {
                let (outcome, _) = outcomes.pop()?;
                self.publish(work, &outcome);
                self.pace.took(began.elapsed());
                self.checkpointer.keep_room();
                Some(outcome)
            }
            Err(error) => {
                tracing::error!(%error, jobs = 1, "a commit to the session log failed");
                Some(Err(error))
            }
        }
    }

    /// Commits a batch of about so many bytes, tells the readers, then answers. Returns who asked for the end.
    pub(super) fn write(
        &mut self,
        batch: &mut Vec<Job>,
        bytes: usize,
    ) -> Option<oneshot::Sender<Result<Done, LogError>>> {
        self.checkpointer.written(bytes);
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
                self.checkpointer.written(if more { 512 << 10 } else { 0 });
                self.checkpointer.start_over_if_large(self.store.connection());
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

/// How long small commits take: the moving average of about the last eight.
#[derive(Debug, Default)]
struct Pace {
    average: Duration,
}

impl Pace {
    fn took(&mut self, time: Duration) {
        // One that was held up does not count for more than eight times the limit, so that it is soon forgotten.
        self.average = (self.average * 7 + time.min(QUICK * 8)) / 8;
    }

    fn is_quick(&self) -> bool {
        self.average < QUICK
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Pace;

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

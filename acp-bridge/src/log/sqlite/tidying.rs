//! Removing what was deleted, in steps between commits, and telling who waits for it.

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::checkpointer::Checkpointer;
use super::erasure::Erasure;
use super::job::{Done, Work};
use super::store::{Outcome, Store};
use super::{failure, garbage};
use crate::log::LogError;

/// Commits after which some of the deleted records are removed though there is more to commit; else a log that is never
/// idle would keep them for ever.
const MAX_BUSY: usize = 64;

/// Bytes that one step of removing records writes, roughly.
const STEP_BYTES: usize = 512 << 10;

/// What is still in the files although it was deleted.
#[derive(Debug)]
pub(super) struct Tidying {
    /// Whether deleted records may be waiting to be removed.
    garbage: bool,
    /// Commits since some were removed.
    busy: usize,
    /// Who waits until deleted records are gone from the files.
    erasure: Erasure,
}

impl Tidying {
    /// Of a file that was just opened: a crash may have left something.
    pub(super) fn new() -> Self {
        Self { garbage: true, busy: 0, erasure: Erasure::default() }
    }

    /// Takes note of what a commit has deleted.
    pub(super) fn committed(&mut self, work: &Work, outcome: &Outcome) {
        let deletes = matches!(
            (work, &outcome.done),
            (Work::Delete { .. }, Ok(Done::Deleted)) | (Work::Trim { .. }, Ok(Done::Moved { .. }))
        );
        self.garbage |= deletes;
    }

    /// Answers once nothing that was deleted is left in the files.
    pub(super) fn answer_when_gone(&mut self, reply: oneshot::Sender<Result<Done, LogError>>, done: Done) {
        self.erasure.wait(reply, done);
    }

    /// Whether something that was deleted is still in the files.
    pub(super) fn is_due(&self) -> bool {
        self.garbage || self.erasure.is_due()
    }

    /// Does a step of it if that has waited for too many commits; whether it did.
    pub(super) fn step_if_overdue(&mut self, store: &mut Store, checkpointer: &mut Checkpointer) -> bool {
        self.busy += 1;
        // Somebody waits for it: then every other commit is for that.
        let most = if self.erasure.is_awaited() { 1 } else { MAX_BUSY };
        let overdue = self.busy > most;
        if overdue {
            self.step(store, checkpointer);
        }
        overdue
    }

    /// One step towards files without what was deleted.
    pub(super) fn step(&mut self, store: &mut Store, checkpointer: &mut Checkpointer) {
        self.busy = 0;
        if self.garbage { self.collect(store, checkpointer) } else { self.erase(store.connection(), checkpointer) }
    }

    /// Removes from the database what somebody waits for to be gone; the write-ahead log goes when the file is closed.
    pub(super) fn finish(&mut self, store: &mut Store, checkpointer: &mut Checkpointer) {
        while self.garbage && self.erasure.is_awaited() {
            self.collect(store, checkpointer);
        }
    }

    /// The file is closed: nothing of it is left beside it.
    pub(super) fn closed(mut self) {
        self.erasure.done();
    }

    fn erase(&mut self, connection: &Connection, checkpointer: &mut Checkpointer) {
        match checkpointer.cut(connection) {
            Ok(true) => self.erasure.done(),
            Ok(false) => self.erasure.held_up(),
            Err(error) => {
                tracing::warn!(%error, "deleted records are still in the write-ahead log of the session log");
                self.erasure.fail(&failure::write(&error));
            }
        }
    }

    fn collect(&mut self, store: &mut Store, checkpointer: &mut Checkpointer) {
        let collected = store.begin().and_then(|()| {
            let more = garbage::collect(store.connection())?;
            store.commit()?;
            Ok(more)
        });
        match collected {
            Ok(more) => {
                self.garbage = more;
                if more {
                    self.erasure.removed();
                }
                checkpointer.written(if more { STEP_BYTES } else { 0 });
                checkpointer.start_over_if_large(store.connection());
            }
            Err(error) => {
                store.roll_back();
                // It is tried again after the next deletion, or when the log is opened next.
                self.garbage = false;
                self.erasure.fail(&failure::write(&error));
                tracing::warn!(%error, "deleted records of the session log cannot be removed yet");
            }
        }
    }
}

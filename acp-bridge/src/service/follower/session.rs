//! One session's follower, which reads the log and folds once for all who read the session, and one reader's place: a
//! cursor and nothing else. Whatever is next is read when it is asked for, so nothing can be lost, doubled or overtaken
//! (P3), and a reader that stops costs nothing (P10).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use acp_types::SessionId;
use acp_types::record::Seq;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::core::{Batch, FollowerCore};
use super::plain::LookedFor;
use super::table::Table;
use crate::log::{Filter, Head, LogError, ReadLimit, SessionInfo, SessionLog};
use crate::session::State;

/// Records that a follower reads, whatever they are, rather than passing over them.
const NEAR: u64 = 1024;

/// One record, whatever its size.
const ONE: ReadLimit = ReadLimit { records: 1, bytes: 0 };

/// Follower of one session. It lives while somebody holds it.
#[derive(Debug)]
pub(crate) struct SessionFollower {
    log: Arc<dyn SessionLog>,
    /// Table that it is entered in while it lives.
    table: Arc<Table<Self>>,
    session: SessionId,
    core: Mutex<FollowerCore>,
    /// Flag: the core is known to be folded from the log that there is now.
    verified: AtomicBool,
    /// Lock while much is folded, which is done once for all who wait for it.
    catching_up: tokio::sync::Mutex<()>,
    /// Flag: the session was deleted, and another of the same id needs another follower.
    over: AtomicBool,
}

/// Session as it is when somebody comes to it.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// Follower, kept while the one who comes has no reader yet.
    pub(crate) follower: Arc<SessionFollower>,
    /// State as of `head`.
    pub(crate) state: Arc<State>,
    pub(crate) head: Seq,
    /// Oldest cursor that can be read.
    pub(crate) oldest: Seq,
}

impl SessionFollower {
    /// Creates a follower, from what is kept of an earlier one if there is anything.
    pub(super) fn new(
        log: &Arc<dyn SessionLog>,
        table: &Arc<Table<Self>>,
        session: &SessionId,
        kept: Option<FollowerCore>,
        looked_for: LookedFor,
    ) -> Self {
        Self {
            log: Arc::clone(log),
            table: Arc::clone(table),
            session: session.clone(),
            verified: AtomicBool::new(kept.is_none()),
            core: Mutex::new(kept.unwrap_or_else(|| FollowerCore::new(looked_for))),
            catching_up: tokio::sync::Mutex::default(),
            over: AtomicBool::new(false),
        }
    }

    /// Locks the core. No change under the lock can panic half-way.
    pub(super) fn core(&self) -> MutexGuard<'_, FollowerCore> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Snapshot of the session, as the log has it now.
    pub(super) async fn snapshot(self: Arc<Self>) -> Result<Snapshot, LogError> {
        let info = self.info().await?;
        self.ready(info.head).await?;
        let (state, head) = {
            let core = self.core();
            (core.state()?, core.head())
        };
        Ok(Snapshot { follower: self, state, head, oldest: info.oldest })
    }

    /// Entry of the session in the log. If that has less than was folded, it is another session under the same id.
    pub(super) async fn info(&self) -> Result<SessionInfo, LogError> {
        let before = self.core().head();
        let info = self.log.get(&self.session).await?.filter(|info| info.head >= before);
        info.ok_or_else(|| {
            self.end();
            LogError::NotFound { session: self.session.clone() }
        })
    }

    /// Waits until everything up to a seq, which the log has, is folded.
    async fn ready(self: &Arc<Self>, head: Seq) -> Result<(), LogError> {
        if self.verified.load(Ordering::Acquire) && self.core().head() >= head {
            return Ok(());
        }
        let follower = Arc::clone(self);
        // A task of its own: others wait for it, and whoever asks may not be polled while its client does not read.
        let task = tokio::spawn(async move {
            let _once = follower.catching_up.lock().await;
            follower.verify().await?;
            follower.catch_up(head).await
        });
        AbortOnDropHandle::new(task).await.unwrap_or(Err(LogError::Closed))
    }

    /// Returns whether nothing that the gateway's views look back for lies behind `after` up to `upto`.
    pub(crate) fn is_plain(&self, after: Seq, upto: Seq) -> bool {
        self.core().is_plain(after, upto)
    }

    /// Takes in that somebody has looked, and found nothing behind `after` up to `upto`.
    pub(crate) fn found_plain(&self, after: Seq, upto: Seq) {
        self.core().found_plain(after, upto);
    }

    /// Folds what the log has up to a seq: what little is missing, or else only the control records, which are few and
    /// always kept.
    async fn catch_up(&self, head: Seq) -> Result<(), LogError> {
        loop {
            let from = self.core().head();
            if from >= head {
                return Ok(());
            }
            if head - from <= NEAR {
                match self.log.read(&self.session, from, ReadLimit::default(), Filter::All).await {
                    // Readers that are as far behind find it here.
                    Ok(records) if !records.is_empty() => {
                        self.core().take(records);
                        continue;
                    }
                    Ok(_) | Err(LogError::Trimmed { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            let records = self.log.read(&self.session, from, ReadLimit::default(), Filter::Control).await?;
            let mut core = self.core();
            if records.is_empty() {
                core.skip_to(head);
                return Ok(());
            }
            core.catch_up(&records);
        }
    }

    /// Starts anew if the log is not the one that the core, kept from earlier, was folded from: the session may have been
    /// deleted meanwhile and another one imported under its id. A record is never changed, so one record tells.
    async fn verify(&self) -> Result<(), LogError> {
        if self.verified.load(Ordering::Acquire) {
            return Ok(());
        }
        let last = self.core().last();
        if let Some(last) = last {
            let same = match self.log.read(&self.session, last.seq - 1, ONE, Filter::Control).await {
                Ok(records) => records.first().is_some_and(|record| *record == last),
                Err(LogError::BeyondHead { .. }) => false,
                Err(error) => return Err(error),
            };
            if !same {
                self.core().restart();
            }
        }
        self.verified.store(true, Ordering::Release);
        Ok(())
    }

    /// Reads a reader's next records: at least one if the log has any after the cursor.
    async fn read(&self, cursor: Seq, limit: ReadLimit) -> Result<Batch, LogError> {
        let shared = self.core().shared(cursor, limit);
        if let Some(batch) = shared {
            return Ok(batch);
        }
        let records = self.log.read(&self.session, cursor, limit, Filter::All).await?;
        Ok(self.core().take(records))
    }

    /// Ends the follower: the session is no more.
    fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

impl Drop for SessionFollower {
    fn drop(&mut self) {
        let core = std::mem::take(self.core.get_mut().unwrap_or_else(PoisonError::into_inner));
        self.table.retire(&self.session, self, (!self.is_over()).then_some(core));
    }
}

/// Reader of a session from a cursor, which waits at its head: history, then live, through the session's follower.
#[derive(Debug)]
pub(crate) struct FollowerReader {
    follower: Arc<SessionFollower>,
    cursor: Seq,
    head: watch::Receiver<Head>,
    /// Fault that was reported last, so that each is reported once.
    reported: Option<Arc<str>>,
}

impl FollowerReader {
    /// Starts after a cursor, `0` for everything, the head for what comes from now on: history, then live, each record once
    /// and in order (P3).
    ///
    /// # Errors
    /// [`LogError::NotFound`]; [`LogError::BeyondHead`] and [`LogError::Trimmed`], which name the seq that would do.
    pub(crate) async fn open(follower: Arc<SessionFollower>, after: Seq) -> Result<Self, LogError> {
        follower.ready(0).await?;
        let head = follower.log.head(&follower.session).await?;
        {
            let head = head.borrow();
            if head.deleted {
                follower.end();
                return Err(LogError::NotFound { session: follower.session.clone() });
            }
            head.readable(after)?;
        }
        follower.core().enter(after);
        Ok(Self { follower, cursor: after, head, reported: None })
    }

    /// Waits for the next records, at least one. Cancel-safe: dropping the future loses nothing.
    ///
    /// # Errors
    /// [`LogError::Unwritable`] once for each time that the session's host could not write,
    /// after everything that was written before; [`LogError::NotFound`] when the session is deleted,
    /// [`LogError::Trimmed`] when it was trimmed past the cursor, and whatever a read fails with. The reader can be asked
    /// again after any of them.
    pub(crate) async fn next(&mut self, limit: ReadLimit) -> Result<Batch, LogError> {
        loop {
            let (behind, fault, deleted) = {
                let head = self.head.borrow_and_update();
                (head.last > self.cursor, head.fault.clone(), head.deleted)
            };
            if deleted {
                self.follower.end();
                return Err(LogError::NotFound { session: self.follower.session.clone() });
            }
            if behind {
                let batch = self.follower.read(self.cursor, limit).await?;
                if let Some(last) = batch.last_seq() {
                    self.follower.core().advance(self.cursor, last);
                    self.cursor = last;
                    return Ok(batch);
                }
            }
            if let Some(reason) = &fault
                && !self.reported.as_ref().is_some_and(|reported| Arc::ptr_eq(reported, reason))
            {
                let error = LogError::Unwritable { reason: reason.as_ref().into() };
                self.reported = fault;
                return Err(error);
            }
            self.head.changed().await.map_err(|_| LogError::Closed)?;
        }
    }

    /// Seq of the last record that it has got, or the cursor that it was opened with.
    pub(crate) fn cursor(&self) -> Seq {
        self.cursor
    }

    /// Seq of the newest record, as far as this reader is told.
    pub(crate) fn head(&self) -> Seq {
        self.head.borrow().last
    }
}

impl Drop for FollowerReader {
    fn drop(&mut self) {
        self.follower.core().leave(self.cursor);
    }
}

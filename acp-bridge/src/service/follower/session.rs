//! One session's follower: reads the log and folds, once for all who read the session.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use acp_types::SessionId;
use acp_types::record::Seq;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::batch::Batch;
use super::core::{FollowerCore, LookedFor};
use super::table::Table;
use crate::log::{Filter, Head, LogError, ReadLimit, SessionInfo, SessionLog};
use crate::session::State;

/// Records that a follower reads, whatever they are, rather than passing over them.
const NEAR: u64 = 1024;

/// One record, whatever its size.
const ONE: ReadLimit = ReadLimit { records: 1, bytes: 0 };

/// One session's follower. It lives while somebody holds it.
#[derive(Debug)]
pub(crate) struct SessionFollower {
    log: Arc<dyn SessionLog>,
    /// Where it is entered while it lives.
    table: Arc<Table<Self>>,
    pub(super) session: SessionId,
    core: Mutex<FollowerCore>,
    /// The core is known to be folded from the log that there is now.
    verified: AtomicBool,
    /// Held while much is folded, which is done once for all who wait for it.
    catching_up: tokio::sync::Mutex<()>,
    /// The session was deleted: another of the same id needs another follower.
    over: AtomicBool,
}

/// A session as it is when somebody comes to it.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// Keeps the follower while the one who comes has no reader yet.
    pub(crate) follower: Arc<SessionFollower>,
    /// As of `head`.
    pub(crate) state: Arc<State>,
    pub(crate) head: Seq,
    /// The oldest cursor that can be read.
    pub(crate) oldest: Seq,
}

impl SessionFollower {
    /// Goes on from what is kept of an earlier one, if there is anything.
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

    /// Follows the head of the log.
    pub(super) async fn follow(&self) -> Result<watch::Receiver<Head>, LogError> {
        self.log.head(&self.session).await
    }

    /// No change under the lock can panic half-way.
    pub(super) fn core(&self) -> MutexGuard<'_, FollowerCore> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session as the log has it now.
    pub(super) async fn snapshot(self: Arc<Self>) -> Result<Snapshot, LogError> {
        let info = self.info().await?;
        self.ready(info.head).await?;
        let (state, head) = {
            let core = self.core();
            (core.state()?, core.head())
        };
        Ok(Snapshot { follower: self, state, head, oldest: info.oldest })
    }

    /// What the log knows of the session. If that is less than was folded, it is another session under the same id.
    pub(super) async fn info(&self) -> Result<SessionInfo, LogError> {
        let before = self.core().head();
        let info = self.log.get(&self.session).await?.filter(|info| info.head >= before);
        info.ok_or_else(|| {
            self.end();
            LogError::NotFound { session: self.session.clone() }
        })
    }

    /// Waits until everything up to a seq, which the log has, is folded.
    pub(super) async fn ready(self: &Arc<Self>, head: Seq) -> Result<(), LogError> {
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

    /// Whether nothing that the gateway's views look back for lies behind `after` up to `upto`.
    pub(crate) fn is_plain(&self, after: Seq, upto: Seq) -> bool {
        self.core().is_plain(after, upto)
    }

    /// Somebody has looked, and found nothing behind `after` up to `upto`.
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

    /// A reader's next records: at least one if the log has any after the cursor.
    pub(super) async fn read(&self, cursor: Seq, limit: ReadLimit) -> Result<Batch, LogError> {
        let shared = self.core().shared(cursor, limit);
        if let Some(batch) = shared {
            return Ok(batch);
        }
        let records = self.log.read(&self.session, cursor, limit, Filter::All).await?;
        Ok(self.core().take(records))
    }

    /// The session is no more.
    pub(super) fn end(&self) {
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

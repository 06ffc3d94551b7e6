//! One follower for each session that a gateway serves: the end of its log, and the state that the log comes to.
//!
//! Whoever reads a session, an attachment for example, has a cursor and shares the rest. Readers near the head take what
//! one of them has read from the log, each record with the state behind it. A reader further behind reads the log itself
//! and folds what it reads, until it is near the head again; it slows nobody and nothing is kept for it.
//!
//! A follower has no task. The first reader that finds the head moved reads for all, so that a record takes no way round.
//! None waits for another: that one may not be polled while its client does not read.
//!
//! | File | Is |
//! |---|---|
//! | `core` | what is folded and what is kept, and for whom: pure |
//! | `plain` | what need not be looked back for: pure |
//! | `batch` | records on their way to a reader, with the states that go with them |
//! | `reader` | one reader's place: waits at the head |
//! | `registry` | the followers of a gateway |

mod batch;
mod core;
mod plain;
mod reader;
mod registry;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use acp_types::SessionId;
use acp_types::record::Seq;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use self::batch::Batch;
pub(crate) use self::core::{FollowerCore, LookedFor};
pub(crate) use self::reader::FollowerReader;
pub(crate) use self::registry::Followers;
use crate::log::{Filter, LogError, ReadLimit, SessionInfo, SessionLog};
use crate::session::State;

/// Records that a follower reads, whatever they are, rather than passing over them.
const NEAR: u64 = 1024;

/// One record, whatever its size.
const ONE: ReadLimit = ReadLimit { records: 1, bytes: 0 };

/// One session's follower. It lives while somebody holds it.
#[derive(Debug)]
pub(crate) struct SessionFollower {
    followers: Arc<Followers>,
    session: SessionId,
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
    fn log(&self) -> &Arc<dyn SessionLog> {
        self.followers.log()
    }

    /// No change under the lock can panic half-way.
    fn core(&self) -> MutexGuard<'_, FollowerCore> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the session from a cursor: history, then live, each record once and in order (P3).
    ///
    /// # Errors
    /// [`LogError::NotFound`]; [`LogError::BeyondHead`] and [`LogError::Trimmed`], which name the seq that would do.
    pub(crate) async fn reader(self: Arc<Self>, after: Seq) -> Result<FollowerReader, LogError> {
        FollowerReader::open(self, after).await
    }

    /// The session as the log has it now.
    async fn snapshot(self: Arc<Self>) -> Result<Snapshot, LogError> {
        let info = self.info().await?;
        self.ready(info.head).await?;
        let (state, head) = {
            let core = self.core();
            (core.state()?, core.head())
        };
        Ok(Snapshot { follower: self, state, head, oldest: info.oldest })
    }

    /// What the log knows of the session. If that is less than was folded, it is another session under the same id.
    async fn info(&self) -> Result<SessionInfo, LogError> {
        let before = self.core().head();
        let info = self.log().get(&self.session).await?.filter(|info| info.head >= before);
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
                match self.log().read(&self.session, from, ReadLimit::default(), Filter::All).await {
                    // Readers that are as far behind find it here.
                    Ok(records) if !records.is_empty() => {
                        self.core().take(records);
                        continue;
                    }
                    Ok(_) | Err(LogError::Trimmed { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            let records = self.log().read(&self.session, from, ReadLimit::default(), Filter::Control).await?;
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
            let same = match self.log().read(&self.session, last.seq - 1, ONE, Filter::Control).await {
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
    async fn read(&self, cursor: Seq, limit: ReadLimit) -> Result<Batch, LogError> {
        let shared = self.core().shared(cursor, limit);
        if let Some(batch) = shared {
            return Ok(batch);
        }
        let records = self.log().read(&self.session, cursor, limit, Filter::All).await?;
        Ok(self.core().take(records))
    }

    /// The session is no more.
    fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

impl Drop for SessionFollower {
    fn drop(&mut self) {
        let core = std::mem::take(self.core.get_mut().unwrap_or_else(PoisonError::into_inner));
        self.followers.retire(&self.session, self, (!self.is_over()).then_some(core));
    }
}

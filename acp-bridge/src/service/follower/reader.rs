//! One reader's place in a session: a cursor and nothing else. Whatever is next is read when it is asked for, so nothing can
//! be lost, doubled or overtaken (P3), and a reader that stops costs nothing (P10).

use std::sync::Arc;

use acp_types::record::Seq;
use tokio::sync::watch;

use super::batch::Batch;
use super::session::SessionFollower;
use crate::log::{Head, LogError, ReadLimit};

/// Reads a session from a cursor and waits at its head: history, then live, through the session's follower.
#[derive(Debug)]
pub(crate) struct FollowerReader {
    follower: Arc<SessionFollower>,
    cursor: Seq,
    head: watch::Receiver<Head>,
    /// The fault reported last, so that each is reported once.
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
        let head = follower.follow().await?;
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

    /// The next records, at least one; waits while there are none. Cancel-safe: dropping the future loses nothing.
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

//! History, then live, from one cursor.
//!
//! A tail holds a cursor and nothing else: whatever is next is read when it is asked for, from the hub's ring or from
//! the store. So nothing can be lost, doubled or overtaken (P3), and a reader that stops costs nothing (P10).

use std::sync::Arc;

use acp_types::SessionId;
use acp_types::record::{Record, Seq};
use tokio::sync::watch;

use super::{Filter, Head, LogError, ReadLimit, SessionLog, limit};

/// Reads a session from a cursor and waits at its head.
#[derive(Debug)]
pub struct Tail {
    log: Arc<dyn SessionLog>,
    session: SessionId,
    cursor: Seq,
    head: watch::Receiver<Head>,
    /// The fault reported last, so that each is reported once.
    reported: Option<Arc<str>>,
}

impl Tail {
    /// Starts after a cursor: `0` for everything, the head for what comes from now on.
    ///
    /// # Errors
    /// As [`super::LogView::read`].
    pub async fn open(log: Arc<dyn SessionLog>, session: SessionId, after: Seq) -> Result<Self, LogError> {
        let head = log.head(&session).await?;
        {
            let head = head.borrow();
            if head.deleted {
                return Err(LogError::NotFound { session });
            }
            limit::check_cursor(after, head.last, head.oldest)?;
        }
        Ok(Self { log, session, cursor: after, head, reported: None })
    }

    /// The next records, at least one; waits while there are none. Cancel-safe: dropping the future loses nothing.
    ///
    /// # Errors
    /// [`LogError::Unwritable`] once for each time that the session's host could not write, after everything that
    /// was written before; [`LogError::NotFound`] when the session is deleted, [`LogError::Trimmed`] when it was
    /// trimmed past the cursor, and whatever a read fails with. The tail can be asked again after any of them.
    pub async fn next(&mut self, limit: ReadLimit) -> Result<Vec<Arc<Record>>, LogError> {
        loop {
            let (behind, fault, deleted) = {
                let head = self.head.borrow_and_update();
                (head.last > self.cursor, head.fault.clone(), head.deleted)
            };
            if deleted {
                return Err(LogError::NotFound { session: self.session.clone() });
            }
            if behind {
                let records = self.log.read(&self.session, self.cursor, limit, Filter::All).await?;
                if let Some(last) = records.last() {
                    self.cursor = last.seq;
                    return Ok(records);
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

    /// Seq of the last record returned, or the cursor that the tail was opened with.
    #[must_use]
    pub fn cursor(&self) -> Seq {
        self.cursor
    }

    /// Whether nothing is to be read at this moment.
    #[must_use]
    pub fn caught_up(&self) -> bool {
        self.head.borrow().last <= self.cursor
    }
}

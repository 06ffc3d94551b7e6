//! A reader as the contract of a log allows one: it asks for what follows its cursor, and waits for the head to move.

use std::sync::Arc;

use acp_bridge::log::{Filter, Head, LogError, ReadLimit, SessionLog};
use acp_types::SessionId;
use acp_types::record::{Record, Seq};
use tokio::sync::watch;

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

/// Starts after a cursor: `0` for everything, the head for what comes from now on.
pub async fn tail(log: Arc<dyn SessionLog>, session: SessionId, after: Seq) -> Result<Tail, LogError> {
    let head = log.head(&session).await?;
    if head.borrow().deleted {
        return Err(LogError::NotFound { session });
    }
    head.borrow().readable(after)?;
    Ok(Tail { log, session, cursor: after, head, reported: None })
}

impl Tail {
    /// The next records, at least one. Each fault is an error once, after everything that was written before.
    pub async fn next(&mut self, limit: ReadLimit) -> Result<Vec<Arc<Record>>, LogError> {
        loop {
            let head = self.head.borrow_and_update().clone();
            if head.deleted {
                return Err(LogError::NotFound { session: self.session.clone() });
            }
            if head.last > self.cursor {
                let records = self.log.read(&self.session, self.cursor, limit, Filter::All).await?;
                if let Some(last) = records.last() {
                    self.cursor = last.seq;
                    return Ok(records);
                }
            }
            let told = |reason: &Arc<str>| self.reported.as_ref().is_some_and(|told| Arc::ptr_eq(told, reason));
            if let Some(reason) = head.fault.filter(|reason| !told(reason)) {
                self.reported = Some(Arc::clone(&reason));
                return Err(LogError::Unwritable { reason: reason.as_ref().into() });
            }
            self.head.changed().await.map_err(|_| LogError::Closed)?;
        }
    }

    /// Seq of the last record returned, or the cursor that it was opened with.
    pub fn cursor(&self) -> Seq {
        self.cursor
    }

    /// Whether nothing is to be read at this moment.
    pub fn caught_up(&self) -> bool {
        self.head.borrow().last <= self.cursor
    }
}

//! What a log knows of a session without reading its records, where it ends, and what it demands of new ones.

use std::sync::Arc;

use acp_types::SessionId;
use acp_types::record::body::{SessionCreated, SessionUpdated};
use acp_types::record::{Epoch, Kind, Record, Seq};
use serde::{Deserialize, Serialize};

use super::LogError;
use super::query::{self, Filter};

/// One session of a log, as of its head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its id.
    pub id: SessionId,
    /// Working directory, absolute; from `session_created`.
    pub cwd: String,
    /// From the last `session_updated` that had one; `None` when that was empty.
    pub title: Option<String>,
    /// When its first record was made: microseconds since the Unix epoch, UTC.
    pub created_at: u64,
    /// When its newest record was made.
    pub updated_at: u64,
    /// How many times a host has taken it.
    pub epoch: Epoch,
    /// Its newest record; `0` when it has none.
    pub head: Seq,
    /// The smallest cursor from which nothing is missing; `0` when everything is kept.
    pub oldest: Seq,
    /// Turns that were accepted and have not ended.
    pub open_turns: u64,
    /// Sum of [`Record::weight`] of its update and extension records that are kept: what a trim can give back.
    pub bytes: u64,
}

impl SessionInfo {
    /// A session without records, claimed for the first time.
    #[must_use]
    pub fn new(id: SessionId) -> Self {
        Self {
            id,
            cwd: String::new(),
            title: None,
            created_at: 0,
            updated_at: 0,
            epoch: 1,
            head: 0,
            oldest: 0,
            open_turns: 0,
            bytes: 0,
        }
    }

    /// Takes in the next record. A body of unknown shape leaves what it would have changed as it was.
    pub fn apply(&mut self, record: &Record) {
        if self.head == 0 {
            self.created_at = record.at;
        }
        self.head = record.seq;
        self.updated_at = record.at;
        if !record.kind.is_control() {
            self.bytes = self.bytes.saturating_add(record.weight() as u64);
        }
        match record.kind {
            Kind::SessionCreated => {
                if let Ok(created) = record.decode::<SessionCreated>() {
                    self.cwd = created.cwd;
                }
            }
            Kind::SessionUpdated => {
                if let Ok(SessionUpdated { title: Some(title), .. }) = record.decode() {
                    self.title = Some(title).filter(|title| !title.is_empty());
                }
            }
            Kind::PromptQueued => self.open_turns += 1,
            Kind::TurnEnded => self.open_turns = self.open_turns.saturating_sub(1),
            _ => {}
        }
    }

    /// Whether these records may be appended: the owner's, and following on the head without a gap.
    pub(crate) fn admit(&self, records: &[Arc<Record>]) -> Result<(), LogError> {
        for (expected, record) in (self.head + 1..).zip(records) {
            if record.epoch != self.epoch {
                return Err(LogError::Fenced { epoch: record.epoch, current: self.epoch });
            }
            if record.seq != expected {
                return Err(LogError::Conflict { expected, got: record.seq });
            }
        }
        Ok(())
    }

    /// Whether everything that a filter wants after a cursor can be read.
    ///
    /// # Errors
    /// [`LogError::BeyondHead`] and [`LogError::Trimmed`].
    pub fn readable(&self, after: Seq, filter: Filter) -> Result<(), LogError> {
        // Control records are never trimmed.
        let oldest = if filter == Filter::Control { 0 } else { self.oldest };
        query::check_cursor(after, self.head, oldest)
    }
}

/// The end of a session's log, as its readers follow it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Head {
    /// The newest committed record; `0` when there is none.
    pub last: Seq,
    /// The smallest cursor from which nothing is missing.
    pub oldest: Seq,
    /// Why the session's host could not write, until it can again.
    pub fault: Option<Arc<str>>,
    /// The session is deleted; nothing follows.
    pub deleted: bool,
}

impl Head {
    /// Whether everything after a cursor can be read.
    ///
    /// # Errors
    /// [`LogError::BeyondHead`] and [`LogError::Trimmed`].
    pub fn readable(&self, after: Seq) -> Result<(), LogError> {
        query::check_cursor(after, self.last, self.oldest)
    }
}

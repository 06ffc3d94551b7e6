//! Policy: what goes and what stays. Pure: sizes, ages and the time come in as arguments.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use acp_types::record::{Kind, Record, Seq, Turn};

use crate::log::SessionInfo;

/// Policy for each session's updates and extensions. The default keeps everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// Age beyond which they go.
    pub age: Option<Duration>,
    /// Sum of [`Record::weight`] that is kept; what exceeds it goes, oldest first.
    pub bytes: Option<u64>,
}

impl Policy {
    /// Returns whether everything is kept.
    #[must_use]
    pub fn keeps_everything(&self) -> bool {
        self.age.is_none() && self.bytes.is_none()
    }

    /// Plan for a session as of its head; `None` when all of it may stay. `now` is in the unit of [`Record::at`].
    #[must_use]
    pub fn plan(&self, info: &SessionInfo, now: u64) -> Option<Cut> {
        let before = self.age.map_or(0, |age| now.saturating_sub(u64::try_from(age.as_micros()).unwrap_or(u64::MAX)));
        let excess = self.bytes.map_or(0, |most| info.bytes.saturating_sub(most));
        if info.bytes == 0 || (excess == 0 && info.created_at >= before) {
            return None;
        }
        Some(Cut { before, excess, last: info.head, freed: 0 })
    }
}

/// Place where one session is cut: finds the longest run of its oldest records that may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Time before which records go.
    before: u64,
    /// So much goes in any case.
    excess: u64,
    /// The newest record that may go.
    last: Seq,
    /// Weight of the records that were found to go.
    freed: u64,
}

/// Verdict on some records of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Trim up to and including this one; `None` when all of them stay.
    pub through: Option<Seq>,
    /// True if the records that follow may go as well.
    pub more: bool,
}

impl Cut {
    /// Keeps everything from this turn on.
    pub fn hold(&mut self, turn: Turn) {
        self.last = self.last.min(turn.saturating_sub(1));
    }

    /// Looks at the next records of the session, in order, the first being its oldest.
    pub fn take(&mut self, records: &[Arc<Record>]) -> Verdict {
        let mut through = None;
        for record in records {
            if record.seq > self.last {
                return Verdict { through, more: false };
            }
            // Control records stay whatever is trimmed. A cut does not end at one: no cursor is spoilt for nothing.
            if record.kind.is_control() {
                continue;
            }
            if record.at >= self.before && self.freed >= self.excess {
                return Verdict { through, more: false };
            }
            self.freed = self.freed.saturating_add(record.weight() as u64);
            through = Some(record.seq);
        }
        Verdict { through, more: !records.is_empty() }
    }

    /// Weight of the records that were found to go.
    #[must_use]
    pub fn freed(&self) -> u64 {
        self.freed
    }
}

/// Turns that have not ended, from the session's control records. As many as a session has open, which is bounded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenTurns(BTreeSet<Turn>);

impl OpenTurns {
    /// Takes the next control record in.
    pub fn take(&mut self, record: &Record) {
        match (&record.kind, record.turn) {
            (Kind::PromptQueued, _) => {
                self.0.insert(record.seq);
            }
            (Kind::TurnEnded, Some(turn)) => {
                self.0.remove(&turn);
            }
            _ => {}
        }
    }

    /// The one that was accepted first.
    #[must_use]
    pub fn first(&self) -> Option<Turn> {
        self.0.first().copied()
    }
}

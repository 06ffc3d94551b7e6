//! What goes and what stays. Pure: sizes, ages and the time come in as arguments.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use acp_types::record::{Kind, Record, Seq, Turn};

use crate::log::SessionInfo;

/// What is kept of each session's updates and extensions. The default keeps everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// What is older than that goes.
    pub age: Option<Duration>,
    /// What exceeds this sum of [`Record::weight`] goes, oldest first.
    pub bytes: Option<u64>,
}

impl Policy {
    /// Whether everything is kept.
    #[must_use]
    pub fn keeps_everything(&self) -> bool {
        self.age.is_none() && self.bytes.is_none()
    }

    /// What is to be looked for in a session as of its head; `None` when all of it may stay. `now` is in the unit of
    /// [`Record::at`].
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

/// Where one session is cut: finds the longest run of its oldest records that may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// What is older than this time goes.
    before: u64,
    /// So much goes in any case.
    excess: u64,
    /// The newest record that may go.
    last: Seq,
    /// What the records that were found to go weigh.
    freed: u64,
}

/// What some records of a session come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Trim up to and including this one; `None` when all of them stay.
    pub through: Option<Seq>,
    /// Whether the records that follow may go as well.
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

    /// What the records that were found to go weigh.
    #[must_use]
    pub fn freed(&self) -> u64 {
        self.freed
    }
}

/// Which turns have not ended, from the session's control records. As many as a session has open, which is bounded.
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

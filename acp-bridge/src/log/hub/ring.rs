//! The newest records of one session.

use std::collections::VecDeque;
use std::mem::size_of;
use std::sync::Arc;

use acp_types::record::{Record, Seq};

use crate::log::query::ReadLimit;

/// How much of the newest records is kept in memory.
#[derive(Debug, Clone, Copy)]
pub(in crate::log) struct Bounds {
    /// Bytes of one session.
    pub(in crate::log) session_bytes: usize,
    /// Records of one session.
    pub(in crate::log) session_records: usize,
    /// Bytes of all sessions together; beyond it the sessions used least recently are forgotten.
    pub(in crate::log) total_bytes: usize,
}

impl Bounds {
    /// Nothing: for a store that is itself memory.
    pub(in crate::log) const NONE: Self = Self { session_bytes: 0, session_records: 0, total_bytes: 0 };
}

impl Default for Bounds {
    fn default() -> Self {
        Self { session_bytes: 2 << 20, session_records: 4096, total_bytes: 32 << 20 }
    }
}

/// Consecutive records, oldest first.
#[derive(Debug, Default)]
pub(super) struct Ring {
    records: VecDeque<Arc<Record>>,
    bytes: usize,
}

impl Ring {
    /// Adds records, dropping the oldest as the bounds demand. Returns the bytes held before and after.
    pub(super) fn push(&mut self, records: &[Arc<Record>], bounds: &Bounds) -> (usize, usize) {
        let before = self.bytes;
        if let (Some(last), Some(first)) = (self.records.back(), records.first())
            && first.seq != last.seq + 1
        {
            self.clear();
        }
        for record in records {
            self.bytes += cost(record);
            self.records.push_back(Arc::clone(record));
        }
        while (self.bytes > bounds.session_bytes || self.records.len() > bounds.session_records)
            && let Some(oldest) = self.records.pop_front()
        {
            self.bytes -= cost(&oldest);
        }
        (before, self.bytes)
    }

    /// Records after a cursor, at least one; `None` when the next one is not here.
    pub(super) fn read(&self, after: Seq, limit: ReadLimit) -> Option<Vec<Arc<Record>>> {
        let first = self.records.front()?.seq;
        let skip = usize::try_from((after + 1).checked_sub(first)?).ok()?;
        if skip >= self.records.len() {
            return None;
        }
        let mut budget = limit.budget();
        let within = |record: &&Arc<Record>| budget.admits(record.weight());
        Some(self.records.range(skip..).take_while(within).map(Arc::clone).collect())
    }

    /// Drops everything; returns the bytes that were held.
    pub(super) fn clear(&mut self) -> usize {
        self.records = VecDeque::new();
        std::mem::take(&mut self.bytes)
    }
}

/// Memory of a record: itself, its body, the counters of both, and its place here.
fn cost(record: &Record) -> usize {
    size_of::<Record>() + record.body.as_str().len() + 4 * size_of::<usize>() + size_of::<usize>()
}

//! Cursors of a session's readers. Pure.

use std::collections::BTreeMap;

use acp_types::record::Seq;

/// Number of readers at each cursor.
#[derive(Debug, Default)]
pub(super) struct Cursors(BTreeMap<Seq, usize>);

impl Cursors {
    /// Adds a reader.
    pub(super) fn add(&mut self, cursor: Seq) {
        *self.0.entry(cursor).or_default() += 1;
    }

    /// Removes a reader.
    pub(super) fn remove(&mut self, cursor: Seq) {
        if let Some(count) = self.0.get_mut(&cursor) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&cursor);
            }
        }
    }

    /// First cursor from this one on that a reader is at.
    pub(super) fn first_from(&self, cursor: Seq) -> Option<Seq> {
        self.0.range(cursor..).next().map(|(&cursor, _)| cursor)
    }

    /// Number of readers.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.0.values().sum()
    }
}

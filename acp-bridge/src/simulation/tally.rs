//! Counts of what has happened, to see that runs exercise what they are meant to.

use std::collections::BTreeMap;

/// Names and counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally(BTreeMap<String, u64>);

impl Tally {
    pub(super) fn add(&mut self, what: &str, times: u64) {
        *self.0.entry(what.to_owned()).or_default() += times;
    }

    pub(super) fn once(&mut self, what: &str) {
        self.add(what, 1);
    }

    pub(super) fn join(&mut self, other: Self) {
        for (what, times) in other.0 {
            self.add(&what, times);
        }
    }

    /// Count of everything that has happened whose name has this in it.
    pub(super) fn of(&self, part: &str) -> u64 {
        self.0.iter().filter(|(what, _)| what.contains(part)).map(|(_, times)| times).sum()
    }
}

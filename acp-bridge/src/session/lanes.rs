//! Lanes of a session: one thing for each.

use std::collections::BTreeMap;
use std::sync::Arc;

use acp_types::record::Record;

/// One `T` for `main`, which every session has from its first record, and one for each lane that joined, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lanes<T> {
    main: T,
    joined: BTreeMap<Arc<str>, T>,
}

impl<T> Lanes<T> {
    pub(super) fn new(main: T) -> Self {
        Self { main, joined: BTreeMap::new() }
    }

    pub(super) fn main(&self) -> &T {
        &self.main
    }

    pub(super) fn main_mut(&mut self) -> &mut T {
        &mut self.main
    }

    pub(super) fn get(&self, lane: &str) -> Option<&T> {
        if lane == Record::MAIN_LANE { Some(&self.main) } else { self.joined.get(lane) }
    }

    pub(super) fn get_mut(&mut self, lane: &str) -> Option<&mut T> {
        if lane == Record::MAIN_LANE { Some(&mut self.main) } else { self.joined.get_mut(lane) }
    }

    /// `main` first, then the others by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> + '_ {
        std::iter::once(&self.main).chain(self.joined.values())
    }

    /// As [`Self::iter`].
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> + '_ {
        std::iter::once(&mut self.main).chain(self.joined.values_mut())
    }

    /// Adds a lane; returns whether there was none of that name.
    pub(super) fn join(&mut self, lane: Arc<str>, value: T) -> bool {
        if self.get(&lane).is_some() {
            return false;
        }
        self.joined.insert(lane, value);
        true
    }

    /// Removes a lane; returns what it had. `main` never leaves.
    pub(super) fn leave(&mut self, lane: &str) -> Option<T> {
        self.joined.remove(lane)
    }

    /// Lets those leave that are not to stay; `main` stays.
    pub(super) fn retain(&mut self, stays: impl Fn(&T) -> bool) {
        self.joined.retain(|_, value| stays(value));
    }
}

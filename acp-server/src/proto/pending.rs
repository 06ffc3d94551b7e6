//! The two tables of open requests, ours and the peer's.

use std::collections::HashMap;

use acp_types::RequestId;

/// Names a request of ours from the call to its one outcome. On the wire it is the JSON-RPC id, as an integer.
///
/// The caller hands it in and uses each key once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a newtype over the number on the wire")]
pub struct RequestKey(pub u64);

/// Requests that a connection which was cut off has left open on its two sides, for one that goes on where it ended:
/// [`Connection::resume`](super::Connection::resume).
///
/// It counts towards the [`Limits`](super::Limits), but is taken whole: the connection before was bound by them too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// Requests of ours that the peer has got and is to answer. New requests must have other keys.
    pub expected: Vec<RequestKey>,
    /// Requests of the peer that came over the connection before and have no answer yet.
    pub owed: Vec<RequestId>,
}

impl Unfinished {
    /// Requests of both sides that are open.
    #[must_use]
    pub fn new(expected: Vec<RequestKey>, owed: Vec<RequestId>) -> Self {
        Self { expected, owed }
    }
}

/// Requests of ours that wait for an answer.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// Open requests, each with whether its cancellation has been asked for.
    open: HashMap<RequestKey, bool>,
}

impl Outgoing {
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn contains(&self, key: RequestKey) -> bool {
        self.open.contains_key(&key)
    }

    /// The one that is open, if it is the only one.
    pub(super) fn only(&self) -> Option<RequestKey> {
        let mut keys = self.open.keys().copied();
        keys.next().filter(|_| keys.next().is_none())
    }

    pub(super) fn insert(&mut self, key: RequestKey) {
        self.open.insert(key, false);
    }

    /// Cancels a request. Returns whether this is the first cancellation of an open one.
    pub(super) fn cancel(&mut self, key: RequestKey) -> bool {
        self.open.get_mut(&key).is_some_and(|cancelled| !std::mem::replace(cancelled, true))
    }

    pub(super) fn remove(&mut self, key: RequestKey) -> bool {
        self.open.remove(&key).is_some()
    }

    /// Takes all open keys, oldest first; the table is empty afterwards.
    pub(super) fn drain(&mut self) -> Vec<RequestKey> {
        let mut keys: Vec<_> = std::mem::take(&mut self.open).into_keys().collect();
        keys.sort_unstable();
        keys
    }
}

/// Requests of the peer that wait for our answer.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    /// Open requests, each with whether the peer has cancelled it.
    open: HashMap<RequestId, bool>,
}

impl Unanswered {
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn contains(&self, id: &RequestId) -> bool {
        self.open.contains_key(id)
    }

    pub(super) fn insert(&mut self, id: RequestId) {
        self.open.insert(id, false);
    }

    /// Cancels a request. Returns whether this is the first cancellation of an open one.
    pub(super) fn cancel(&mut self, id: &RequestId) -> bool {
        self.open.get_mut(id).is_some_and(|cancelled| !std::mem::replace(cancelled, true))
    }

    pub(super) fn remove(&mut self, id: &RequestId) -> bool {
        self.open.remove(id).is_some()
    }

    pub(super) fn clear(&mut self) {
        self.open.clear();
    }
}

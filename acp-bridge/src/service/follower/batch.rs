//! Records on their way to a reader, with the states that go with them.

use std::sync::Arc;

use acp_types::record::{Record, Seq};

use crate::session::State;

/// Consecutive records, and what is known of the session's state at their places.
#[derive(Debug, Clone, Default)]
pub(crate) struct Batch {
    pub(super) records: Vec<Arc<Record>>,
    /// Of some of the control records among them, in order: the state with the record in it.
    pub(super) states: Vec<Arc<State>>,
    /// The state behind the last of them, if it is known.
    pub(super) last: Option<Arc<State>>,
}

impl Batch {
    /// The records, in order.
    pub(crate) fn records(&self) -> &[Arc<Record>] {
        &self.records
    }

    /// Seq of the last record.
    pub(crate) fn last_seq(&self) -> Option<Seq> {
        self.records.last().map(|record| record.seq)
    }

    /// The state behind a control record, if it is known. A reader that is not given it folds the record itself.
    pub(crate) fn state_behind(&self, seq: Seq) -> Option<&Arc<State>> {
        let known = self.states.binary_search_by_key(&seq, |state| state.head()).ok().map(|at| &self.states[at]);
        known.or_else(|| self.last.as_ref().filter(|state| state.head() == seq))
    }

    /// The state behind all of them, if it is known.
    pub(crate) fn last_state(&self) -> Option<&Arc<State>> {
        self.last.as_ref()
    }
}

impl From<Vec<Arc<Record>>> for Batch {
    /// Records of which no states are known.
    fn from(records: Vec<Arc<Record>>) -> Self {
        Self { records, states: Vec::new(), last: None }
    }
}

#[cfg(test)]
impl From<&[Arc<Record>]> for Batch {
    fn from(records: &[Arc<Record>]) -> Self {
        Self::from(records.to_vec())
    }
}

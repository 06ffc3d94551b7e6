//! Core of a follower: the state that a log comes to, and the newest records on their way to readers. Pure.

use std::collections::VecDeque;
use std::sync::Arc;

use acp_types::record::{Record, Seq};

use super::cursors::Cursors;
use super::plain::{LookedFor, PlainStretch};
use crate::log::{LogError, ReadLimit};
use crate::session::State;

/// Records kept for readers that are a little behind: about as many as one of them reads at a time.
pub(super) const MAX_RECENT: usize = 512;

/// Bytes of them. A record that is bigger is not kept at all: who has not got it reads the log.
pub(super) const MAX_RECENT_BYTES: usize = 128 * 1024;

/// States kept with them. Each has what the records since the one before have changed.
pub(super) const MAX_STATES: usize = 64;

/// Consecutive records, and what is known of the session's state at their places.
#[derive(Debug, Clone, Default)]
pub(crate) struct Batch {
    records: Vec<Arc<Record>>,
    /// States of some of the control records among them, in order: each with the record in it.
    states: Vec<Arc<State>>,
    /// State behind the last of them, if it is known.
    last: Option<Arc<State>>,
}

impl Batch {
    /// Records, in order.
    pub(crate) fn records(&self) -> &[Arc<Record>] {
        &self.records
    }

    /// Seq of the last record.
    pub(crate) fn last_seq(&self) -> Option<Seq> {
        self.records.last().map(|record| record.seq)
    }

    /// State behind a control record, if it is known. A reader that is not given it folds the record itself.
    pub(crate) fn state_behind(&self, seq: Seq) -> Option<&Arc<State>> {
        let known = self.states.binary_search_by_key(&seq, |state| state.head()).ok().map(|at| &self.states[at]);
        known.or_else(|| self.last.as_ref().filter(|state| state.head() == seq))
    }

    /// State behind all of them, if it is known.
    pub(crate) fn last_state(&self) -> Option<&Arc<State>> {
        self.last.as_ref()
    }
}

impl From<Vec<Arc<Record>>> for Batch {
    /// Makes a batch of records of which no states are known.
    fn from(records: Vec<Arc<Record>>) -> Self {
        Self { records, states: Vec::new(), last: None }
    }
}

/// Record that some reader has still to get.
#[derive(Debug)]
struct Step {
    record: Arc<Record>,
    /// State with the record in it; `None` if it changed nothing.
    state: Option<Arc<State>>,
}

/// Core of a follower: the state at its head, the newest records before it, and where the readers are.
#[derive(Debug, Default)]
pub(crate) struct FollowerCore {
    /// State, whose own head is the newest control record: what others move matters to nobody here.
    state: Arc<State>,
    /// Seq of the newest record that was folded, or passed over because it is no control record.
    head: Seq,
    /// Newest control record that was folded. It tells one log from another.
    last: Option<Arc<Record>>,
    /// Reason why a record could not be folded. The readers go on without it; whoever comes is told.
    damage: Option<String>,
    /// Newest records, consecutive up to the head. Only those that a reader has still to get.
    recent: VecDeque<Step>,
    recent_bytes: usize,
    states: usize,
    readers: Cursors,
    looked_for: LookedFor,
    plain: PlainStretch,
}

impl FollowerCore {
    pub(super) fn new(looked_for: LookedFor) -> Self {
        Self { looked_for, ..Self::default() }
    }

    /// Seq of the newest record that was taken in.
    pub(crate) fn head(&self) -> Seq {
        self.head
    }

    /// State at the head.
    ///
    /// # Errors
    /// When the log has a record that cannot follow on what came before it.
    pub(crate) fn state(&self) -> Result<Arc<State>, LogError> {
        match &self.damage {
            Some(reason) => Err(LogError::Corrupt { reason: reason.clone() }),
            None => Ok(Arc::clone(&self.state)),
        }
    }

    /// Newest control record that was folded.
    pub(super) fn last(&self) -> Option<Arc<Record>> {
        self.last.clone()
    }

    /// Bytes of what is kept while nobody reads.
    pub(super) fn weight(&self) -> usize {
        self.state.weight() + self.last.as_ref().map_or(0, |last| last.weight())
    }

    /// Forgets what was folded. The readers stay where they are.
    pub(super) fn restart(&mut self) {
        *self = Self { readers: std::mem::take(&mut self.readers), ..Self::new(self.looked_for) };
    }

    /// Adds a reader.
    pub(crate) fn enter(&mut self, cursor: Seq) {
        self.readers.add(cursor);
    }

    /// Moves a reader that has got everything up to another cursor.
    pub(crate) fn advance(&mut self, from: Seq, to: Seq) {
        self.readers.remove(from);
        self.readers.add(to);
        self.forget_read();
    }

    /// Removes a reader.
    pub(crate) fn leave(&mut self, cursor: Seq) {
        self.readers.remove(cursor);
        self.forget_read();
    }

    /// Records behind a reader's cursor, if another has read them not long ago. If not, the reader reads the log, and
    /// what it has read goes through [`Self::take`].
    pub(crate) fn shared(&self, cursor: Seq, limit: ReadLimit) -> Option<Batch> {
        let first = self.recent.front()?.record.seq;
        let skip = usize::try_from((cursor + 1).checked_sub(first)?).ok()?;
        let mut records = Vec::new();
        let mut states = Vec::new();
        let mut bytes = 0;
        for step in self.recent.iter().skip(skip) {
            bytes += step.record.weight();
            if !records.is_empty() && (records.len() >= limit.records || bytes > limit.bytes) {
                break;
            }
            records.push(Arc::clone(&step.record));
            states.extend(step.state.clone());
        }
        (!records.is_empty()).then(|| self.with_last(Batch { records, states, last: None }))
    }

    /// Takes what a reader has read from the log behind its cursor, and gives it the states that are known. What is known
    /// already changes nothing; what would leave a gap is not folded.
    pub(crate) fn take(&mut self, records: Vec<Arc<Record>>) -> Batch {
        if records.first().is_some_and(|first| first.seq <= self.head + 1) {
            self.fold(&records);
        }
        let within = |seq: Seq| records.first().is_some_and(|first| first.seq <= seq);
        let upto = records.last().map_or(0, |last| last.seq);
        let known = self.recent.iter().rev().filter_map(|step| step.state.as_ref());
        let known = known.skip_while(|state| state.head() > upto).take_while(|state| within(state.head()));
        let mut states: Vec<_> = known.map(Arc::clone).collect();
        states.reverse();
        // Kept until here, so that whoever has read them gets their states even if nobody else needs them.
        self.forget_oldest();
        self.forget_read();
        self.with_last(Batch { records, states, last: None })
    }

    /// Takes control records that follow on the head but for what is none. The states between are nobody's: with none of
    /// them kept, folding copies nothing.
    pub(crate) fn catch_up(&mut self, control: &[Arc<Record>]) {
        self.forget_recent();
        for record in control {
            if record.seq > self.head {
                self.pass(record);
                self.apply(record);
            }
        }
    }

    /// Passes over records up to a seq, none of which is a control record. Never back.
    pub(crate) fn skip_to(&mut self, seq: Seq) {
        if seq > self.head {
            self.head = seq;
            self.forget_recent();
        }
    }

    /// Returns whether nothing that is looked back for lies behind `after` up to `upto`.
    pub(super) fn is_plain(&self, after: Seq, upto: Seq) -> bool {
        self.plain.covers(after, upto)
    }

    /// Takes in that somebody has looked, and found nothing behind `after` up to `upto`.
    pub(super) fn found_plain(&mut self, after: Seq, upto: Seq) {
        self.plain.join(after, upto);
    }

    fn fold(&mut self, records: &[Arc<Record>]) {
        for record in records {
            if record.seq <= self.head {
                continue;
            }
            if record.seq != self.head + 1 {
                self.forget_recent();
            }
            self.pass(record);
            let changed = record.kind.is_control() && self.apply(record);
            let state = changed.then(|| Arc::clone(&self.state));
            self.recent_bytes += record.weight();
            self.states += usize::from(state.is_some());
            self.recent.push_back(Step { record: Arc::clone(record), state });
        }
    }

    fn pass(&mut self, record: &Record) {
        self.head = record.seq;
        self.plain.pass(record.seq, !(self.looked_for.0)(record));
    }

    /// Applies a record; returns whether it could follow on what came before.
    fn apply(&mut self, record: &Arc<Record>) -> bool {
        // What is shared with readers is cloned, and the clone shares whatever the record does not change.
        match Arc::make_mut(&mut self.state).apply(record) {
            Ok(()) => {
                self.last = Some(Arc::clone(record));
                true
            }
            Err(error) => {
                tracing::error!(%error, "a session's log is damaged");
                self.damage.get_or_insert(error.to_string());
                false
            }
        }
    }

    /// Adds the state behind the last record: that at the head if no control record lies between.
    fn with_last(&self, mut batch: Batch) -> Batch {
        let known = batch.last_seq().is_some_and(|last| self.state.head() <= last && last <= self.head);
        batch.last = known.then(|| Arc::clone(&self.state));
        batch
    }

    /// Forgets what every reader near the head has got. Those further behind read the log.
    fn forget_read(&mut self) {
        let Some(first) = self.recent.front().map(|step| step.record.seq) else { return };
        let slowest = self.readers.first_from(first.saturating_sub(1)).unwrap_or(self.head);
        while self.recent.front().is_some_and(|step| step.record.seq <= slowest) {
            self.forget_first();
        }
        if self.recent.is_empty() {
            self.forget_recent();
        }
    }

    /// Keeps what is kept within its bounds.
    fn forget_oldest(&mut self) {
        while self.recent.len() > MAX_RECENT || self.recent_bytes > MAX_RECENT_BYTES || self.states > MAX_STATES {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some(step) = self.recent.pop_front() {
            self.recent_bytes -= step.record.weight();
            self.states -= usize::from(step.state.is_some());
        }
    }

    fn forget_recent(&mut self) {
        // With its room: most sessions are idle most of the time.
        self.recent = VecDeque::new();
        self.recent_bytes = 0;
        self.states = 0;
    }

    /// Records, bytes and states that are kept, and places of readers.
    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, usize, usize, usize) {
        (self.recent.len(), self.recent_bytes, self.states, self.readers.count())
    }
}

#[cfg(test)]
impl From<&[Arc<Record>]> for Batch {
    fn from(records: &[Arc<Record>]) -> Self {
        Self::from(records.to_vec())
    }
}

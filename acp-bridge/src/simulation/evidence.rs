//! Result of a run, for the checks.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use acp_types::SessionId;
use acp_types::record::{Epoch, Kind, Record, Seq, body};

use super::agent::{Deeds, text_of};
use super::disk::{Acknowledged, AnswerTaken};
use super::link::Fate;
use super::visit::Visit;

/// An agent was told to stop.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) lane: Arc<str>,
    /// The head of the log.
    pub(super) head: Seq,
    /// The host that has told it.
    pub(super) host: u64,
}

/// Facts for the checks.
#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) session: SessionId,
    pub(super) records: Vec<Arc<Record>>,
    pub(super) visits: Vec<Visit>,
    /// End of each prompt, by its key.
    pub(super) prompts: Vec<(String, Fate)>,
    /// Agents by lane.
    pub(super) deeds: BTreeMap<Arc<str>, Deeds>,
    pub(super) answers: Vec<AnswerTaken>,
    pub(super) acknowledged: Vec<Acknowledged>,
    /// Turns that were acknowledged before the log had them.
    pub(super) early: Vec<(Seq, Seq)>,
    /// The host of each epoch.
    pub(super) epochs: BTreeMap<Epoch, u64>,
    pub(super) told: Vec<Told>,
    /// Lanes whose agents were killed, each with the head of the log then.
    pub(super) deaths: Vec<(Arc<str>, Seq)>,
    /// Records, by their places, whose effects were not all run because their host died.
    pub(super) cut: Vec<Range<Seq>>,
}

impl Evidence {
    pub(super) fn of_kind<'e>(&'e self, kind: &'e Kind) -> impl Iterator<Item = &'e Arc<Record>> {
        self.records.iter().filter(move |record| record.kind == *kind)
    }

    /// The record with a seq.
    pub(super) fn record(&self, seq: Seq) -> Option<&Arc<Record>> {
        self.records.iter().find(|record| record.seq == seq)
    }

    pub(super) fn head(&self) -> Seq {
        self.records.last().map_or(0, |record| record.seq)
    }
}

/// The text of the prompt that a `prompt_queued` holds.
pub(super) fn prompt_in(record: &Record) -> String {
    let queued = record.decode::<body::PromptQueued>().expect("a prompt");
    text_of(queued.params.as_raw())
}

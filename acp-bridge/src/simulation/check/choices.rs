//! The modes that agents work in.

use std::collections::BTreeMap;
use std::sync::Arc;

use acp_types::Raw;
use acp_types::record::body::SessionUpdated;
use acp_types::record::{Kind, Record};

use crate::simulation::agent::Mode;
use crate::simulation::evidence::Evidence;
use crate::simulation::finding::Findings;

/// What clients know of a lane's mode from one record: the mode, or that nobody knows it.
fn told(record: &Record) -> Option<Option<String>> {
    match record.kind {
        Kind::Update => {
            let update = record.body.as_raw().member("update")?;
            let mode = update.member("currentModeId").and_then(Raw::as_string).map(String::from);
            let lost = update.path(&["_meta", "acp-bridge", "lost"]).is_some();
            (mode.is_some() || lost).then_some(mode)
        }
        _ => None,
    }
}

/// The mode that a client has chosen in this record.
fn chosen(record: &Record) -> Option<String> {
    if record.kind != Kind::SessionUpdated {
        return None;
    }
    let chosen = record.decode::<SessionUpdated>().expect("a change").chosen?;
    chosen.params.as_raw().member("modeId").and_then(Raw::as_string).map(String::from)
}

/// An agent that is given a prompt is in the mode that was chosen last, or in the one that clients were told since. Whether
/// that could be said: not while something of it is on its way to the log.
pub(in crate::simulation) fn p14_what_was_chosen_is_in_force(
    records: &[Arc<Record>],
    lane: &Arc<str>,
    mode: &Mode,
    findings: &mut Findings,
) -> bool {
    let of_lane: Vec<_> = records.iter().filter(|record| record.lane == *lane).collect();
    let started = of_lane.iter().rposition(|record| record.kind == Kind::AgentStarted).unwrap_or(0);
    let taken: usize = of_lane[started..].iter().map(|record| modes_taken(record)).sum();
    let has_said = |text: &String| {
        of_lane.iter().any(|record| {
            let said = record.body.as_raw().path(&["update", "_text"]).and_then(Raw::as_string);
            record.kind == Kind::Update && said.as_deref() == Some(text)
        })
    };
    if taken < mode.taken || !mode.said.as_ref().is_none_or(has_said) {
        return false;
    }
    let mut known = None;
    for record in of_lane {
        known = chosen(record).map(Some).or_else(|| told(record)).unwrap_or(known);
    }
    let right = known.as_deref().is_none_or(|known| known == mode.name);
    findings.expect(right, "P14", || format!("{lane} works in the mode {}, and clients know {known:?}", mode.name));
    true
}

/// How many modes this record says that the agent has taken.
fn modes_taken(record: &Record) -> usize {
    match record.kind {
        Kind::SessionUpdated => usize::from(chosen(record).is_some()),
        Kind::ChoicesRestored => record.body.as_raw().member("set").map_or(0, |set| set.elements().count()),
        _ => 0,
    }
}

/// A mode that a client has set is told to all, unless the bridge dies before.
pub(super) fn p14_everybody_is_told(evidence: &Evidence, findings: &mut Findings) {
    let mut untold: BTreeMap<&Arc<str>, &Arc<Record>> = BTreeMap::new();
    for record in &evidence.records {
        untold.retain(|_, set| set.epoch == record.epoch);
        let changes = chosen(record).is_some() && record.body.as_raw().member("mode").is_some();
        if changes {
            untold.insert(&record.lane, record);
        } else if told(record).is_some() {
            untold.remove(&record.lane);
        }
    }
    let seqs: Vec<_> = untold.values().map(|record| record.seq).collect();
    findings.expect(seqs.is_empty(), "P14", || format!("nobody was told what was chosen in {seqs:?}"));
}

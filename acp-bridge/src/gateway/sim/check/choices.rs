//! The modes that agents work in.

use std::collections::BTreeMap;
use std::sync::Arc;

use acp_types::Raw;
use acp_types::record::body::SessionUpdated;
use acp_types::record::{Kind, Record};

use super::super::breaks::Findings;
use super::super::world::World;

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

/// An agent that is given a prompt is in the mode that was chosen last, or in the one that clients were told since.
pub(in super::super) fn p14_what_was_chosen_is_in_force(world: &World, lane: &Arc<str>, findings: &mut Findings) {
    let Some(agent) = world.agents.get(lane).filter(|agent| agent.alive) else { return };
    let mut known = None;
    for record in world.log.records.iter().filter(|record| record.lane == *lane) {
        known = chosen(record).map(Some).or_else(|| told(record)).unwrap_or(known);
    }
    let right = known.as_deref().is_none_or(|known| known == agent.mode());
    findings.expect(right, "P14", || format!("{lane} works in the mode {}, and clients know {known:?}", agent.mode()));
}

/// A mode that a client has set is told to all, unless the bridge dies before.
pub(super) fn p14_everybody_is_told(world: &World, findings: &mut Findings) {
    let mut untold: BTreeMap<&Arc<str>, &Arc<Record>> = BTreeMap::new();
    for record in &world.log.records {
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

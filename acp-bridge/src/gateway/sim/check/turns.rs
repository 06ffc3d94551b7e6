//! Turns as the log has them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use acp_types::record::body::{Outcome, PromptSteered, Steer};
use acp_types::record::{Kind, Record, Turn};

use super::super::breaks::Findings;
use super::super::driver::prompt_of;
use super::super::gateway::text_of;
use super::super::world::World;

/// How every accepted prompt ended, by its key.
pub(super) type Turns = BTreeMap<String, (Turn, Outcome)>;

fn of_kind<'w>(world: &'w World, kind: &'w Kind) -> impl Iterator<Item = &'w Arc<Record>> {
    world.log.records.iter().filter(move |record| record.kind == *kind)
}

/// Seqs are 1, 2, 3 … and epochs never go back.
pub(super) fn p1_one_order(world: &World, findings: &mut Findings) {
    for (expected, record) in (1..).zip(&world.log.records) {
        findings.expect(record.seq == expected, "P1", || format!("record {} stands in place {expected}", record.seq));
    }
}

/// A host appends only while it is the session's.
pub(super) fn p9_one_writer(world: &World, findings: &mut Findings) {
    for pair in world.log.records.windows(2) {
        let (before, after) = (pair[0].epoch, pair[1].epoch);
        findings.expect(before <= after, "P9", || format!("epoch {after} writes after epoch {before}"));
    }
}

/// Every accepted prompt has one end, however it comes.
pub(super) fn p7_every_turn_ends_once(world: &World, findings: &mut Findings) -> Turns {
    let mut ends: BTreeMap<Turn, Outcome> = BTreeMap::new();
    for record in of_kind(world, &Kind::TurnEnded) {
        let turn = record.turn.expect("a turn");
        let outcome = record.decode().expect("an outcome");
        findings.expect(ends.insert(turn, outcome).is_none(), "P7", || format!("turn {turn} ended twice"));
    }
    let mut turns = Turns::new();
    for record in of_kind(world, &Kind::PromptQueued) {
        let key = text_of(Some(&prompt_of(record)));
        match ends.remove(&record.seq) {
            Some(outcome) => {
                let twice = turns.insert(key.clone(), (record.seq, outcome)).is_some();
                findings.expect(!twice, "P6", || format!("prompt {key} was accepted twice"));
            }
            None => findings.broken("P7", format!("turn {} has no end", record.seq)),
        }
    }
    findings.expect(ends.is_empty(), "P7", || format!("there never were {ends:?}"));
    turns
}

/// What stops is what a client that asked for it has stopped, and nothing is interrupted while agent and bridge live.
pub(super) fn p4_only_who_asks_stops(world: &World, findings: &mut Findings) {
    for record in of_kind(world, &Kind::CancelRequested) {
        let by = record.origin.client().map(|by| by.to_string()).unwrap_or_default();
        let mut visits = world.clients.iter().flat_map(|client| client.visits());
        let asked = visits.any(|visit| *visit.connection == by && visit.stops > 0);
        findings.expect(asked, "P4", || format!("{by} has stopped turn {:?} and never asked for it", record.turn));
    }
    for record in of_kind(world, &Kind::TurnEnded) {
        let Ok(Outcome::Interrupted { reason }) = record.decode() else { continue };
        let turn = record.turn.expect("a turn");
        let since = |other: &&Arc<Record>| other.seq > turn && other.seq < record.seq;
        let died =
            world.log.records.iter().filter(since).any(|other| {
                other.kind == Kind::AgentExited && other.lane == record.lane || other.epoch != record.epoch
            });
        let started_anew = world.log.records[usize::try_from(turn).expect("a seq") - 1].epoch != record.epoch;
        // Nobody can know whether an agent that has ended its turn took in what it was offered.
        let offered = of_kind(world, &Kind::PromptSteered).any(|other| other.turn == Some(turn));
        findings.expect(died || started_anew || offered, "P4", || {
            format!("turn {turn} was interrupted by nothing: {reason}")
        });
    }
}

/// The agent hears of every stop of what it works on, a stop ends its turn and no other, and answers what the turn asks.
pub(super) fn p5_stops_are_told_and_end_turns(world: &World, turns: &Turns, findings: &mut Findings) {
    let records = &world.log.records;
    let stopped: BTreeSet<Turn> = of_kind(world, &Kind::CancelRequested).filter_map(|record| record.turn).collect();
    for record in of_kind(world, &Kind::CancelRequested) {
        let turn = record.turn.expect("a turn");
        let position = |kind: Kind| {
            records.iter().find(|other| other.kind == kind && other.turn == Some(turn)).map(|other| other.seq)
        };
        let ends = position(Kind::TurnEnded).is_some_and(|end| end > record.seq);
        findings.expect(ends, "P5", || format!("turn {turn} was stopped at {} and has no end after it", record.seq));
        let ran = position(Kind::TurnStarted).is_some_and(|start| start < record.seq);
        let told = world
            .told
            .iter()
            .any(|(lane, head, epoch)| *lane == record.lane && *head >= record.seq && *epoch == record.epoch);
        // A bridge that was killed tells nobody any more.
        let killed = world.cut.iter().any(|cut| cut.contains(&(record.seq - 1)));
        findings.expect(!ran || told || killed, "P5", || format!("the agent did not hear that {turn} was stopped"));
    }
    // What went into another turn ends as that does.
    let mut into: BTreeMap<Turn, Turn> = BTreeMap::new();
    for record in of_kind(world, &Kind::PromptSteered) {
        if let Ok(PromptSteered { into: other, steer: Steer::Injected }) = record.decode() {
            into.insert(record.turn.expect("a turn"), other);
        }
    }
    for (key, (turn, outcome)) in turns {
        let wanted = stopped.contains(turn) || into.get(turn).is_some_and(|into| stopped.contains(into));
        let cancelled = matches!(outcome, Outcome::Cancelled { .. });
        findings.expect(wanted || !cancelled, "P5", || format!("turn {turn} of {key} was cancelled by nobody"));
    }
}

/// No prompt is worked on twice.
pub(super) fn p6_prompts_run_once(world: &World, findings: &mut Findings) {
    let mut taken: BTreeMap<&str, u64> = BTreeMap::new();
    for (text, times) in world.agents.values().flat_map(|agent| &agent.taken) {
        *taken.entry(text).or_default() += times;
    }
    for (text, times) in taken {
        findings.expect(times == 1, "P6", || format!("prompt {text} was given to agents {times} times"));
    }
}

//! Turns as the log has them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use acp_types::record::body::{Outcome, PromptSteered, Steer};
use acp_types::record::{Kind, Record, Turn};

use crate::simulation::evidence::{Evidence, prompt_in};
use crate::simulation::finding::Findings;

/// How every accepted prompt ended, by its key.
pub(super) type Turns = BTreeMap<String, (Turn, Outcome)>;

/// Seqs are 1, 2, 3 … and epochs never go back.
pub(super) fn p1_one_order(evidence: &Evidence, findings: &mut Findings) {
    for (expected, record) in (1..).zip(&evidence.records) {
        findings.expect(record.seq == expected, "P1", || format!("record {} stands in place {expected}", record.seq));
    }
}

/// A host appends only while it is the session's.
pub(super) fn p9_one_writer(evidence: &Evidence, findings: &mut Findings) {
    for pair in evidence.records.windows(2) {
        let (before, after) = (pair[0].epoch, pair[1].epoch);
        findings.expect(before <= after, "P9", || format!("epoch {after} writes after epoch {before}"));
    }
}

/// Every accepted prompt has one end, however it comes.
pub(super) fn p7_every_turn_ends_once(evidence: &Evidence, findings: &mut Findings) -> Turns {
    let mut ends: BTreeMap<Turn, Outcome> = BTreeMap::new();
    for record in evidence.of_kind(&Kind::TurnEnded) {
        let turn = record.turn.expect("a turn");
        let outcome = record.decode().expect("an outcome");
        findings.expect(ends.insert(turn, outcome).is_none(), "P7", || format!("turn {turn} ended twice"));
    }
    let mut turns = Turns::new();
    for record in evidence.of_kind(&Kind::PromptQueued) {
        let key = prompt_in(record);
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
pub(super) fn p4_only_who_asks_stops(evidence: &Evidence, findings: &mut Findings) {
    for record in evidence.of_kind(&Kind::CancelRequested) {
        let by = record.origin.client().map(|by| by.to_string()).unwrap_or_default();
        let asked = evidence.visits.iter().any(|visit| *visit.connection == by && visit.stops > 0);
        findings.expect(asked, "P4", || format!("{by} has stopped turn {:?} and never asked for it", record.turn));
    }
    for record in evidence.of_kind(&Kind::TurnEnded) {
        let Ok(Outcome::Interrupted { reason }) = record.decode() else { continue };
        let turn = record.turn.expect("a turn");
        let since = |other: &&Arc<Record>| other.seq > turn && other.seq < record.seq;
        let died =
            evidence.records.iter().filter(since).any(|other| {
                other.kind == Kind::AgentExited && other.lane == record.lane || other.epoch != record.epoch
            });
        let started_anew = evidence.records[usize::try_from(turn).expect("a seq") - 1].epoch != record.epoch;
        // Nobody can know whether an agent that has ended its turn took in what it was offered.
        let offered = evidence.of_kind(&Kind::PromptSteered).any(|other| other.turn == Some(turn));
        findings.expect(died || started_anew || offered, "P4", || {
            format!("turn {turn} was interrupted by nothing: {reason}")
        });
    }
}

/// The agent hears of every stop of what it works on, a stop ends its turn and no other, and answers what the turn asks.
pub(super) fn p5_stops_are_told_and_end_turns(evidence: &Evidence, turns: &Turns, findings: &mut Findings) {
    let records = &evidence.records;
    let stopped: BTreeSet<Turn> = evidence.of_kind(&Kind::CancelRequested).filter_map(|record| record.turn).collect();
    for record in evidence.of_kind(&Kind::CancelRequested) {
        let turn = record.turn.expect("a turn");
        let position = |kind: Kind| {
            records.iter().find(|other| other.kind == kind && other.turn == Some(turn)).map(|other| other.seq)
        };
        let ends = position(Kind::TurnEnded).is_some_and(|end| end > record.seq);
        findings.expect(ends, "P5", || format!("turn {turn} was stopped at {} and has no end after it", record.seq));
        let ran = position(Kind::TurnStarted).is_some_and(|start| start < record.seq);
        let host = evidence.epochs.get(&record.epoch);
        let mut told = evidence.told.iter().filter(|told| told.lane == record.lane && told.head >= record.seq);
        let told = told.any(|told| Some(&told.host) == host);
        // A host that was killed, or has lost the session, tells nobody any more.
        let killed = evidence.cut.iter().any(|cut| cut.contains(&(record.seq - 1)));
        let end = position(Kind::TurnEnded).and_then(|end| evidence.record(end));
        let lost = end.is_some_and(|end| end.epoch != record.epoch);
        let died = end.is_some_and(|end| {
            let mut exits = evidence.of_kind(&Kind::AgentExited).filter(|exit| exit.lane == record.lane);
            let heard = exits.any(|exit| exit.seq > turn && exit.seq <= end.seq + 1);
            // What a process has said is heard also when it has died since.
            let mut deaths = evidence.deaths.iter().filter(|(lane, _)| *lane == record.lane);
            heard || deaths.any(|(_, head)| (turn..=end.seq).contains(head))
        });
        let heard = !ran || told || killed || lost || died;
        findings.expect(heard, "P5", || format!("the agent did not hear that {turn} was stopped"));
    }
    // What went into another turn ends as that does.
    let mut into: BTreeMap<Turn, Turn> = BTreeMap::new();
    for record in evidence.of_kind(&Kind::PromptSteered) {
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

/// An agent that reads that it is to stop works on something that somebody wanted to stop.
pub(in crate::simulation) fn p5_somebody_wanted_it_to_stop(
    records: &[Arc<Record>],
    text: &str,
    findings: &mut Findings,
) {
    let of_turn = |record: &&Arc<Record>| record.kind == Kind::PromptQueued && prompt_in(record) == text;
    let turn = records.iter().find(of_turn).map(|record| record.seq);
    let asked = records.iter().any(|record| record.kind == Kind::CancelRequested && record.turn == turn);
    findings.expect(asked, "P5", || format!("the agent was told to stop {text}, which nobody wanted"));
}

/// What a host knows to be stored is in the log as it wrote it, and no turn is acknowledged before.
pub(super) fn p2_what_is_acknowledged_is_stored(evidence: &Evidence, findings: &mut Findings) {
    for (turn, head) in &evidence.early {
        findings.broken("P2", format!("turn {turn} was acknowledged, and the log has {head} records"));
    }
    for acknowledged in &evidence.acknowledged {
        for record in &acknowledged.records {
            let stored = evidence.record(record.seq).is_some_and(|stored| stored == record);
            let host = acknowledged.process;
            findings.expect(stored, "P2", || format!("host {host} heard that {} is stored: {record:?}", record.seq));
        }
    }
}

/// No prompt is worked on twice.
pub(super) fn p6_prompts_run_once(evidence: &Evidence, findings: &mut Findings) {
    let mut taken: BTreeMap<&str, u64> = BTreeMap::new();
    for (text, times) in evidence.deeds.values().flat_map(|deeds| &deeds.taken) {
        *taken.entry(text).or_default() += times;
    }
    for (text, times) in taken {
        findings.expect(times == 1, "P6", || format!("prompt {text} was given to agents {times} times"));
    }
}

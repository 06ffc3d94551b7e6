//! What clients were shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use acp_types::Raw;
use acp_types::record::{Kind, Origin, Record, Seq, Turn};
use serde_json::Value;

use super::super::breaks::Findings;
use super::super::client::Fate;
use super::super::driver::prompt_of;
use super::super::gateway::text_of;
use super::super::visit::{Shown, Visit};
use super::super::world::World;
use super::turns::Turns;
use crate::view::v1::{as_thought, is_notice};

fn visits(world: &World) -> impl Iterator<Item = &Visit> {
    world.clients.iter().flat_map(|client| client.visits())
}

/// Whoever is shown a record by itself is shown the same as everybody else.
pub(super) fn p1_the_same_for_all(world: &World, findings: &mut Findings) {
    let mut seen: BTreeMap<Seq, &str> = BTreeMap::new();
    for visit in visits(world).filter(|visit| !visit.joins()) {
        for shown in &visit.shown {
            let first = *seen.entry(shown.seq).or_insert(&shown.update);
            let who = &visit.connection;
            findings.expect(first == shown.update, "P1", || {
                format!("{who}: {} is {}, not {first}", shown.seq, shown.update)
            });
        }
    }
}

/// Each connection was shown what followed its cursor, each record once and in order, and as the agent wrote it.
pub(super) fn p3_and_p11_what_was_shown(world: &World, findings: &mut Findings) {
    for visit in visits(world) {
        let Some((after, head)) = visit.opened else {
            findings.expect(visit.shown.is_empty(), "P3", || format!("{} has not come", visit.connection));
            continue;
        };
        let to_see = |record: &&Arc<Record>| {
            let own_words = record.seq > head && visit.made(record);
            let there = record.seq > after && record.seq <= visit.reached;
            there && record.kind == Kind::Update && visit.sees(&record.lane) && !own_words
        };
        let mut left = world.log.records.iter().filter(to_see);
        let who = &visit.connection;
        for shown in &visit.shown {
            let covered = upto(&mut left, shown.seq);
            if covered.last().is_none_or(|last| last.seq != shown.seq) {
                findings.broken("P3", format!("{who}: update {} is not in its turn", shown.seq));
                break;
            }
            let joined = visit.joins() && shown.seq <= head;
            let lost = || {
                format!(
                    "{who}: {} came instead of {:?}",
                    shown.seq,
                    covered.iter().map(|record| record.seq).collect::<Vec<_>>()
                )
            };
            findings.expect(covered.len() == 1 || joined, "P3", lost);
            let text: String = covered.iter().map(|record| text_in(record)).collect();
            findings.expect(text == shown.text, "P3", || format!("{who}: {:?} is not {text:?}", shown.text));
            if let [record] = covered[..] {
                as_written(world, record, shown, findings);
            }
        }
        // What is being joined is shown with what follows.
        if !(visit.joins() && visit.reached < head) {
            let missed: Vec<Seq> = left.map(|record| record.seq).collect();
            findings.expect(missed.is_empty(), "P3", || format!("{who} ({:?}) was not shown {missed:?}", visit.entry));
        }
        let told = visit.caught_up.is_none_or(|seq| seq == head.max(after));
        findings.expect(told, "P3", || format!("{who} has caught up at {:?}, not at {head}", visit.caught_up));
    }
}

/// The next records, up to the one of a seq or what comes in its place.
fn upto<'w>(left: &mut impl Iterator<Item = &'w Arc<Record>>, seq: Seq) -> Vec<&'w Arc<Record>> {
    let mut covered = Vec::new();
    while covered.last().is_none_or(|last: &&Arc<Record>| last.seq < seq)
        && let Some(next) = left.next()
    {
        covered.push(next);
    }
    covered
}

fn text_in(record: &Record) -> String {
    // No client of a run shows notices: those of the bridge come as thoughts.
    let thought = if record.origin == Origin::Host { as_thought(record.body.as_raw()) } else { None };
    let body = thought.filter(|_| is_notice(record.body.as_raw())).unwrap_or_else(|| record.body.clone());
    let text = |path: &[&str]| body.as_raw().path(path).and_then(Raw::as_string);
    text(&["update", "content", "text"]).or_else(|| text(&["update", "_text"])).unwrap_or_default().into_owned()
}

fn as_written(world: &World, record: &Record, shown: &Shown, findings: &mut Findings) {
    if record.origin != Origin::Agent {
        return;
    }
    let said = world.agents.get(&record.lane).and_then(|agent| agent.said.get(&shown.text));
    let same = said.is_some_and(|said| *said == shown.update);
    findings.expect(same, "P11", || format!("{} was shown, the agent said {said:?}", shown.update));
}

/// Whoever sees the lane of a turn that somebody else has started is told its end, or is answered with it.
pub(super) fn p7_ends_are_told(world: &World, turns: &Turns, findings: &mut Findings) {
    let outcomes: BTreeMap<Turn, &str> = turns.values().map(|(turn, outcome)| (*turn, outcome.name())).collect();
    for visit in visits(world) {
        let Some((after, _)) = visit.opened else { continue };
        let ends = world.log.records.iter().filter(|record| record.kind == Kind::TurnEnded);
        let mut expected = Vec::new();
        for end in ends.filter(|end| end.seq > after && end.seq <= visit.reached && visit.sees(&end.lane)) {
            let turn = end.turn.expect("a turn");
            let prompt = &world.log.records[usize::try_from(turn).expect("a seq") - 1];
            if !visit.made(prompt) && !visit.answered.contains(&turn) {
                expected.push((turn, outcomes.get(&turn).copied().unwrap_or_default().to_owned()));
            }
        }
        let told: Vec<_> = visit.ended.iter().filter(|(turn, _)| !visit.answered.contains(turn)).cloned().collect();
        let who = || format!("{} ({:?}) was told the ends {told:?}, not {expected:?}", visit.connection, visit.entry);
        findings.expect(told == expected, "P7", who);
    }
}

/// A client's answers are what the log says; what was refused is not there.
pub(super) fn p2_answers_are_in_the_log(world: &World, turns: &Turns, findings: &mut Findings) {
    let accepted: Vec<String> = {
        let queued = world.log.records.iter().filter(|record| record.kind == Kind::PromptQueued);
        queued.map(|record| text_of(Some(&prompt_of(record)))).collect()
    };
    for (key, prompt) in world.clients.iter().flat_map(|client| &client.prompts) {
        match &prompt.fate {
            Fate::Open => findings.broken("P7", format!("{key} was never answered")),
            Fate::Refused(why) => {
                findings.expect(!accepted.contains(key), "P6", || format!("{key} runs and was refused: {why}"));
            }
            Fate::Answered(answer) => {
                let Some((turn, outcome)) = turns.get(key) else {
                    findings.broken("P2", format!("{key} was answered with {answer} and is not in the log"));
                    continue;
                };
                let failed = !answer["error"].is_null();
                let ours = if failed { &answer["error"]["data"] } else { &answer["result"]["_meta"] };
                let ours = &ours["acp-bridge"];
                let said = (ours["turn"].as_u64(), &ours["outcome"]);
                let same = said == (Some(*turn), &Value::from(outcome.name()));
                findings.expect(same, "P2", || format!("{key} is turn {turn}, {}: {answer}", outcome.name()));
            }
        }
    }
}

//! What clients were shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use acp_types::Raw;
use acp_types::record::body::Outcome;
use acp_types::record::{Kind, Origin, Record, Seq, Turn};
use serde_json::Value;

use super::children::{Names, as_shown, is_of_child, session_in};
use super::turns::Turns;
use crate::simulation::evidence::{Evidence, prompt_in};
use crate::simulation::finding::Findings;
use crate::simulation::link::Fate;
use crate::simulation::visit::{Shown, Visit};
use crate::view::v1::{as_thought, is_notice};

/// Whoever is shown a record by itself is shown the same as everybody else.
pub(super) fn p1_the_same_for_all(evidence: &Evidence, findings: &mut Findings) {
    let mut seen: BTreeMap<(Seq, bool), &str> = BTreeMap::new();
    for visit in evidence.visits.iter().filter(|visit| !visit.joins()) {
        for shown in &visit.shown {
            // References to children are for those who understand them.
            let first = *seen.entry((shown.seq, visit.family.is_wanted)).or_insert(&shown.update);
            let who = &visit.connection;
            findings.expect(first == shown.update, "P1", || {
                format!("{who}: {} is {}, not {first}", shown.seq, shown.update)
            });
        }
    }
}

/// Each connection was shown what followed its cursor, each record once and in order, and as the agent wrote it.
pub(super) fn p3_and_p11_what_was_shown(evidence: &Evidence, names: &Names, findings: &mut Findings) {
    for visit in evidence.visits.iter() {
        let after = first_cursor(visit);
        let to_see = |record: &&Arc<Record>| {
            let there = record.seq > after && record.seq <= visit.reached.max(visit.told);
            let takes = visit.family.is_wanted || !is_of_child(evidence, record);
            there && record.kind == Kind::Update && visit.sees(&record.lane) && !visit.made(record) && takes
        };
        let mut left = evidence.records.iter().filter(to_see);
        let who = &visit.connection;
        for (at, shown) in visit.shown.iter().enumerate() {
            let covered = upto(&mut left, shown.seq);
            if covered.last().is_none_or(|last| last.seq != shown.seq) {
                findings.broken("P3", format!("{who}: update {} is not in its turn", shown.seq));
                break;
            }
            let joined = visit.joins() && (visit.head.is_none() || at < visit.history);
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
            let of = covered.iter().all(|record| session_in(record) == shown.of);
            findings.expect(of, "P3", || format!("{who}: {} is shown in {}", shown.seq, shown.of));
            if let [record] = covered[..] {
                as_written(evidence, names, visit, (record, shown), findings);
            }
        }
        // What is being joined is shown with what follows.
        let arrived = visit.head.is_some_and(|(_, highest)| visit.reached >= highest);
        if !visit.joins() || arrived {
            let missed: Vec<Seq> = left.map(|record| record.seq).filter(|seq| *seq <= visit.reached).collect();
            findings.expect(missed.is_empty(), "P3", || format!("{who} ({:?}) was not shown {missed:?}", visit.entry));
        }
        let (lowest, highest) = visit.head.unwrap_or((0, evidence.head()));
        let told = visit.caught_up.is_none_or(|seq| seq >= lowest.max(after) && seq <= highest.max(after));
        findings.expect(told, "P3", || format!("{who} has caught up at {:?}, not at {highest}", visit.caught_up));
    }
}

/// The cursor behind which it was shown everything. Who comes where the log ends cannot tell that more exactly than by what
/// it was shown first.
fn first_cursor(visit: &Visit) -> Seq {
    visit.after().unwrap_or_else(|| {
        let (lowest, highest) = visit.head.unwrap_or((Seq::MAX, Seq::MAX));
        let first = visit.shown.first().map_or(Seq::MAX, |shown| shown.seq);
        highest.min(first.saturating_sub(1)).max(lowest)
    })
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

pub(super) fn text_in(record: &Record) -> String {
    // No client of a run shows notices: those of the bridge come as thoughts.
    let thought = if record.origin == Origin::Host { as_thought(record.body.as_raw()) } else { None };
    let body = thought.filter(|_| is_notice(record.body.as_raw())).unwrap_or_else(|| record.body.clone());
    let text = |path: &[&str]| body.as_raw().path(path).and_then(Raw::as_string);
    text(&["update", "content", "text"]).or_else(|| text(&["update", "_text"])).unwrap_or_default().into_owned()
}

fn as_written(
    evidence: &Evidence,
    names: &Names,
    visit: &Visit,
    (record, shown): (&Record, &Shown),
    findings: &mut Findings,
) {
    if record.origin != Origin::Agent {
        return;
    }
    let said = evidence.deeds.get(&record.lane).and_then(|deeds| deeds.said.get(&shown.text));
    let said = said.map(|said| as_shown(evidence, names, &record.lane, visit, said));
    let same = said.as_ref().is_some_and(|said| *said == shown.update);
    findings.expect(same, "P11", || format!("{} was shown, the agent said {said:?}", shown.update));
}

/// Whoever sees the lane of a turn that somebody else has started is told its end, or is answered with it.
pub(super) fn p7_ends_are_told(evidence: &Evidence, turns: &Turns, findings: &mut Findings) {
    let outcomes: BTreeMap<Turn, &str> = turns.values().map(|(turn, outcome)| (*turn, outcome.name())).collect();
    for visit in evidence.visits.iter() {
        let Some((lowest, highest)) = visit.head else { continue };
        let (after, sure) = visit.after().map_or((lowest, highest), |after| (after, after));
        let ends = evidence.records.iter().filter(|record| record.kind == Kind::TurnEnded);
        let upto = visit.reached.max(visit.told);
        let failed = |key: &String| turns.get(key).map(|(turn, _)| *turn);
        let answered: Vec<Turn> =
            visit.answered.iter().copied().chain(visit.failed.iter().filter_map(failed)).collect();
        let (mut expected, mut not_known) = (Vec::new(), Vec::new());
        for end in ends.filter(|end| end.seq > after && end.seq <= upto && visit.sees(&end.lane)) {
            let turn = end.turn.expect("a turn");
            let made = evidence.record(turn).is_some_and(|prompt| visit.made(prompt));
            if !made && !answered.contains(&turn) {
                if end.seq <= sure || end.seq > visit.reached {
                    not_known.push(turn);
                }
                expected.push((turn, outcomes.get(&turn).copied().unwrap_or_default().to_owned()));
            }
        }
        let told: Vec<_> = visit.ended.iter().filter(|(turn, _)| !answered.contains(turn)).cloned().collect();
        let who = || format!("{} ({:?}) was told the ends {told:?}, not {expected:?}", visit.connection, visit.entry);
        let mut due = expected.clone();
        due.retain(|end| !not_known.contains(&end.0) || told.contains(end));
        findings.expect(told == due, "P7", who);
    }
}

/// A client's answers are what the log says; what was refused is not there.
pub(super) fn p2_answers_are_in_the_log(evidence: &Evidence, turns: &Turns, findings: &mut Findings) {
    let accepted: Vec<String> = {
        let queued = evidence.records.iter().filter(|record| record.kind == Kind::PromptQueued);
        queued.map(|record| prompt_in(record)).collect()
    };
    for visit in &evidence.visits {
        if let Some((told, head)) = visit.early {
            findings.broken("P2", format!("{} was told of {told}, the log had {head}", visit.connection));
        }
    }
    for (key, fate) in &evidence.prompts {
        match fate {
            Fate::Open => findings.broken("P7", format!("{key} was never answered")),
            Fate::Refused(why) => {
                findings.expect(!accepted.contains(key), "P6", || format!("{key} runs and was refused: {why}"));
            }
            Fate::Answered(answer) => {
                let Some((turn, outcome)) = turns.get(key) else {
                    findings.broken("P2", format!("{key} was answered with {answer} and is not in the log"));
                    continue;
                };
                if let Outcome::Failed { error } = outcome {
                    let same = answer["error"] == serde_json::from_str::<Value>(error.as_str()).expect("JSON");
                    findings.expect(same, "P2", || format!("{key} is turn {turn}, failed with {error:?}: {answer}"));
                    continue;
                }
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

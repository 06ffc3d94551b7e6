//! What agents ask.

use std::collections::BTreeMap;
use std::sync::Arc;

use acp_types::Raw;
use acp_types::record::body::Resolved;
use acp_types::record::{Epoch, Kind, Record, Seq, Turn};

use super::children::session_in;
use crate::simulation::agents::Agents;
use crate::simulation::evidence::Evidence;
use crate::simulation::finding::Findings;
use crate::simulation::visit::{Entry, Visit};

/// A question, and where it was answered.
struct Question {
    name: String,
    asked: Seq,
    lane: Arc<str>,
    turn: Option<Turn>,
    /// A child session has asked it.
    of_child: bool,
    resolved: Option<(Arc<Record>, Resolved)>,
}

impl Question {
    fn is_understood_by(&self, visit: &Visit) -> bool {
        visit.family.is_wanted || !self.of_child
    }

    fn is_seen_by(&self, visit: &Visit) -> bool {
        visit.sees(&self.lane) && self.is_understood_by(visit)
    }
}

fn questions(evidence: &Evidence, findings: &mut Findings) -> BTreeMap<Seq, Question> {
    let mut questions: BTreeMap<Seq, Question> = BTreeMap::new();
    for record in &evidence.records {
        match record.kind {
            Kind::PermissionRequested => {
                let name = question_in(record);
                let (asked, lane, turn) = (record.seq, Arc::clone(&record.lane), record.turn);
                let of_child = session_in(record) != evidence.session.as_str();
                questions.insert(asked, Question { name, asked, lane, turn, of_child, resolved: None });
            }
            Kind::PermissionResolved => {
                let resolved: Resolved = record.decode().expect("an answer");
                let question = questions.get_mut(&resolved.request).expect("it was asked");
                let name = question.name.clone();
                let twice = question.resolved.replace((Arc::clone(record), resolved)).is_some();
                findings.expect(!twice, "P8", || format!("question {name} has two answers in the log"));
            }
            _ => {}
        }
    }
    questions
}

/// Every question has one answer, the first that came; the agent that asked gets that one, once.
pub(super) fn p8_one_answer(evidence: &Evidence, findings: &mut Findings) {
    let questions = questions(evidence, findings);
    for question in questions.values() {
        let Some((record, resolved)) = &question.resolved else {
            findings.broken("P8", format!("nobody has answered {}", question.name));
            continue;
        };
        let result = resolved.result.as_ref().map_or("", |result| result.as_str());
        if let Some(by) = record.origin.client() {
            let host = evidence.epochs.get(&record.epoch);
            let mut taken = evidence.answers.iter().filter(|taken| taken.request == question.asked);
            let first = taken.find(|taken| Some(&taken.process) == host);
            let is_first = first.is_some_and(|first| *first.client == **by && first.answer.as_str() == result);
            findings
                .expect(is_first, "P8", || format!("{} is answered by {by}; the first was {first:?}", question.name));
        }
        // A turn that is stopped asks no more (P5).
        let stopped = evidence
            .records
            .iter()
            .find(|other| other.kind == Kind::CancelRequested && other.turn.is_some() && other.turn == question.turn);
        if let Some(stop) = stopped.filter(|stop| stop.seq < record.seq) {
            let cancelled = result == r#"{"outcome":{"outcome":"cancelled"}}"#;
            findings.expect(cancelled, "P5", || format!("{} goes on after {}: {result}", question.name, stop.seq));
        }
        let answers = evidence.deeds.get(&question.lane).and_then(|deeds| deeds.answers.get(&question.name));
        let answers = answers.map_or(&[][..], Vec::as_slice);
        let right = answers.len() <= 1 && answers.iter().all(|answer| answer == result);
        findings.expect(right, "P8", || format!("the agent got {answers:?} for {}, not {result}", question.name));
    }
}

/// Whoever asked has the answers to what this host has resolved since a head, once all is done that was to be done.
pub(in crate::simulation) fn p8_answers_arrive(
    records: &[Arc<Record>],
    since: Seq,
    (agents, host, epoch): (&Agents, u64, Epoch),
    findings: &mut Findings,
) {
    let new = records.iter().filter(|record| record.seq > since && record.epoch == epoch);
    for record in new.filter(|record| record.kind == Kind::PermissionResolved) {
        let resolved: Resolved = record.decode().expect("an answer");
        let asked = records.iter().find(|asked| asked.seq == resolved.request).expect("it was asked");
        let question = question_in(asked);
        let waits = agents.wait_for(host, &record.lane, &question);
        let promise = if resolved.cause.is_some() { "P5" } else { "P8" };
        findings.expect(!waits, promise, || format!("{question} is resolved and the agent has no answer"));
    }
}

pub(super) fn question_in(record: &Record) -> String {
    let name = record.body.as_raw().path(&["toolCall", "toolCallId"]).and_then(Raw::as_string);
    name.expect("a question").into_owned()
}

/// Every controller that comes is asked what waits, and then what is asked; what is answered is withdrawn.
pub(super) fn p8_everybody_is_asked(evidence: &Evidence, findings: &mut Findings) {
    let questions = questions(evidence, findings);
    for visit in &evidence.visits {
        let Some((lowest, highest)) = visit.head else { continue };
        let arrived = visit.reached >= highest
            || !visit.is_cut && matches!(visit.entry, Entry::Live)
            || !visit.is_cut && visit.after().is_some_and(|after| after >= highest);
        for question in questions.values() {
            let resolved = question.resolved.as_ref().map_or(Seq::MAX, |(record, _)| record.seq);
            if resolved > lowest && resolved <= highest {
                // It was answered while the client came.
                continue;
            }
            let waited = question.asked <= highest && resolved > highest;
            let came = question.asked > highest && question.asked <= visit.reached;
            let due = visit.controller && arrived && (waited || came);
            let asked: Vec<_> = visit.asks.iter().filter(|ask| ask.question == question.name).collect();
            let who = || format!("{} ({:?}) and {}", visit.connection, visit.entry, question.name);
            if due && question.is_seen_by(visit) {
                findings.expect(asked.len() == 1, "P8", || format!("{}: asked {} times", who(), asked.len()));
            } else {
                // One's own turn in a lane that one does not see.
                let own = due && !visit.sent.is_empty() && question.is_understood_by(visit);
                let not_known = visit.controller && visit.is_cut && asked.len() == 1 && resolved > highest;
                findings.expect(asked.is_empty() || own || not_known, "P8", || {
                    format!("{}: asked, and is not to be", who())
                });
            }
            if resolved <= visit.reached {
                let over = asked.iter().all(|ask| ask.answered || ask.withdrawn);
                findings.expect(over, "P8", || format!("{}: it waits for an answer still", who()));
            }
        }
        resolutions_are_told(visit, highest, &questions, findings);
    }
}

/// Those who attached to know it are told how each question was answered.
fn resolutions_are_told(visit: &Visit, head: Seq, questions: &BTreeMap<Seq, Question>, findings: &mut Findings) {
    let live = |question: &&Question| {
        let at = question.resolved.as_ref().map_or(0, |(record, _)| record.seq);
        visit.attaches() && at > head && at <= visit.reached && question.is_seen_by(visit)
    };
    let expected: Vec<Seq> = {
        let mut resolved: Vec<_> = questions.values().filter(live).collect();
        resolved.sort_by_key(|question| question.resolved.as_ref().map(|(record, _)| record.seq));
        resolved.iter().map(|question| question.asked).collect()
    };
    let seen = |request: &&Seq| questions.get(request).is_some_and(|question| question.is_seen_by(visit));
    let told: Vec<Seq> = visit.resolved.iter().filter(seen).copied().collect();
    // Beside those, what its own turns ask in lanes that it does not see.
    let same = told == expected || visit.is_cut && told.starts_with(&expected) && told.len() == expected.len() + 1;
    let right = same && (told.len() == visit.resolved.len() || !visit.sent.is_empty());
    let who = &visit.connection;
    findings.expect(right, "P8", || format!("{who} was told how {:?} were answered, not {expected:?}", visit.resolved));
}

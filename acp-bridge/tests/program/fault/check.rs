//! What both clients saw against what the log says.

use std::collections::BTreeMap;

use acp_types::Raw;
use serde_json::Value;

use super::peer::Peer;
use super::plan::Work;
use super::{Done, Stage, ours};
use crate::support::log::{Row as Record, rows};

trait Said {
    fn update(&self) -> &str;
    fn value(&self) -> Value;
    fn text(&self) -> String;
}

impl Said for Record {
    fn update(&self) -> &str {
        Raw::parse(&self.body).expect("JSON").member("update").expect("an update").as_str()
    }

    fn value(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    fn text(&self) -> String {
        self.value()["update"]["content"]["text"].as_str().unwrap_or_default().to_owned()
    }
}

/// P1 to P8 and P11, as far as they show.
pub fn promises(stage: &Stage) {
    let records = rows(stage.bridge(), &stage.session);
    for (expected, record) in (1..).zip(&records) {
        assert_eq!(record.seq, expected, "P1: seqs have no gaps");
    }
    for peer in [&stage.one, &stage.other] {
        shown(peer, &records);
    }
    let ends = ends(&records);
    for done in &stage.done {
        turn(done, stage, &records, &ends);
    }
    questions(&records);
}

/// What a client saw is in the log (P2), and it saw everything once, in order, as it stands there (P3, P11).
fn shown(peer: &Peer, records: &[Record]) {
    let updates: Vec<&Record> = records.iter().filter(|record| record.kind == "update").collect();
    for (at, visit) in peer.visits.iter().enumerate() {
        let mut left = updates.iter().filter(|record| record.seq > visit.after).peekable();
        // Its own words are not shown to a client that has just said them.
        let own_words = |record: &&&Record| peer.name == "one" && record.text().split(' ').next().is_some_and(is_order);
        for (seq, update) in &visit.shown {
            let next = loop {
                let next = left.next().unwrap_or_else(|| panic!("P2: {} saw {seq}, the log ends before", peer.name));
                if next.seq == *seq || !own_words(&next) {
                    break next;
                }
            };
            assert_eq!(next.seq, *seq, "P3: {} missed an update on connection {at}", peer.name);
            assert_eq!(next.update(), update, "P11: {} saw {seq} otherwise", peer.name);
        }
        if at + 1 == peer.visits.len() {
            let missed: Vec<u64> = left.filter(|record| !own_words(record)).map(|record| record.seq).collect();
            assert!(missed.is_empty(), "P3: {} was not shown {missed:?}", peer.name);
        }
    }
}

fn is_order(word: &str) -> bool {
    matches!(word, "numbered" | "count" | "lossless" | "ask" | "wait")
}

/// Every turn by its seq, with its one end (P7).
fn ends(records: &[Record]) -> BTreeMap<u64, Value> {
    let mut ends = BTreeMap::new();
    for record in records.iter().filter(|record| record.kind == "turn_ended") {
        let turn = record.turn.expect("a turn");
        assert!(ends.insert(turn, record.value()).is_none(), "P7: turn {turn} ended twice");
    }
    for record in records.iter().filter(|record| record.kind == "prompt_queued") {
        assert!(ends.contains_key(&record.seq), "P7: turn {} has no end", record.seq);
    }
    ends
}

fn turn(done: &Done, stage: &Stage, records: &[Record], ends: &BTreeMap<u64, Value>) {
    let Done { key, work, killed, cancelled, .. } = done;
    let queued: Vec<&Record> = records
        .iter()
        .filter(|record| record.kind == "prompt_queued" && record.value()["key"] == key.as_str())
        .collect();
    assert_eq!(queued.len(), 1, "P6: {key} was accepted so often");
    let turn = queued[0].seq;
    let answer = &stage.one.answers[key];
    let outcome = ends[&turn]["outcome"].as_str().expect("an outcome");
    let same = if outcome == "failed" {
        answer["error"] == ends[&turn]["error"]
    } else {
        (&ours(answer)["turn"], &ours(answer)["outcome"]) == (&Value::from(turn), &Value::from(outcome))
    };
    assert!(same, "P2: {key} is turn {turn}, {outcome}: {answer}");
    assert_eq!(stage.other.ended[&turn], outcome, "P7: both are told the same of {key}");
    match outcome {
        "completed" => assert_ne!(*work, Work::Wait, "P5: {key} ends only when it is stopped"),
        "interrupted" | "failed" => assert!(killed, "P4: nothing has interrupted {done:?}"),
        "cancelled" => assert!(cancelled, "P5: nobody has stopped {done:?}"),
        other => panic!("P7: {other}, {}: {done:?}", ends[&turn]),
    }
    if *cancelled && !killed && *work == Work::Wait {
        assert_eq!(outcome, "cancelled", "P5: {key} was stopped");
        assert_ne!(ends[&turn]["killed"], true, "P5: {key} obeys when it hears of it");
    }
    let started = records.iter().filter(|record| record.kind == "turn_started" && record.turn == Some(turn));
    assert!(started.count() <= 1, "P6: {key} ran twice");
    said(done, turn, outcome, records);
}

/// What the agent said in a turn: all of it if it came to its end, and nothing of it twice.
fn said(Done { key, work, .. }: &Done, turn: u64, outcome: &str, records: &[Record]) {
    let of_turn = |record: &&Record| record.kind == "update" && record.turn == Some(turn) && record.origin == "agent";
    let said: Vec<&str> = records.iter().filter(of_turn).map(Record::update).collect();
    let chunk = |text: &str| {
        format!(r#"{{"sessionUpdate":"agent_message_chunk","content":{{"type":"text","text":"{text}"}}}}"#)
    };
    let all: Vec<String> = match work {
        Work::Numbered(count) => (1..=*count).map(|number| chunk(&format!("{number:049} "))).collect(),
        Work::Count(count) => {
            // Written by another library, so only what is said is compared.
            let texts = records.iter().filter(of_turn).map(Record::text);
            let expected: Vec<String> = (1..=*count).map(|number| format!("{number} ")).collect();
            let texts: Vec<String> = texts.collect();
            assert!(expected.starts_with(&texts), "P6: {key}: {texts:?}");
            assert!(outcome != "completed" || texts.len() == *count, "P4: {key} is not whole: {texts:?}");
            return;
        }
        Work::Lossless => vec![
            r#"{"sessionUpdate":"_later","big":123456789012345678901234567890,"exp":1E+2,"content":[null,"\u00e9"]}"#
                .to_owned(),
        ],
        Work::Ask | Work::Wait => return,
    };
    assert!(said.len() <= all.len() && all.iter().zip(&said).all(|(all, said)| all == said), "P11: {key}: {said:?}");
    assert!(outcome != "completed" || said.len() == all.len(), "P4: {key} is not whole: {} updates", said.len());
}

/// Each question has one answer, and the agent got that (P8).
fn questions(records: &[Record]) {
    for asked in records.iter().filter(|record| record.kind == "permission_requested") {
        let answers: Vec<&Record> = records
            .iter()
            .filter(|record| record.kind == "permission_resolved" && record.value()["request"] == asked.seq)
            .collect();
        assert_eq!(answers.len(), 1, "P8: question {} has so many answers", asked.seq);
        let chosen = answers[0].value()["result"].clone();
        let of_turn = |record: &&Record| {
            record.kind == "update" && record.turn == asked.turn && record.text().starts_with("chosen ")
        };
        let told: Vec<String> = records.iter().filter(of_turn).map(Record::text).collect();
        assert!(told.len() <= 1, "P8: the agent was told {told:?}");
        if let Some(told) = told.first() {
            assert_eq!(*told, format!("chosen {chosen}"), "P8: the agent got the answer that counts");
        }
    }
}

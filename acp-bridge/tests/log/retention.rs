//! What retention decides, for sessions of every shape.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use acp_bridge::log::SessionInfo;
use acp_bridge::retention::{OpenTurns, Policy};
use acp_types::RawBuf;
use acp_types::record::{Kind, Origin, Record, Seq};
use proptest::collection::vec;
use proptest::prelude::*;

/// A session's records: what kind, how long after the one before, how large. Turns begin and end one after the other.
fn session() -> impl Strategy<Value = Vec<Arc<Record>>> {
    vec((0..6_u8, 0..100_u64, 0..200_usize), 0..80).prop_map(|shapes| {
        let mut at = 1000;
        let mut open = None;
        let made = (1..).zip(shapes).map(|(seq, (shape, later, size))| {
            at += later;
            let (kind, turn) = match (shape, open) {
                _ if seq == 1 => (Kind::SessionCreated, None),
                (0, None) => {
                    open = Some(seq);
                    (Kind::PromptQueued, None)
                }
                (0 | 1, Some(turn)) => {
                    open = None;
                    (Kind::TurnEnded, Some(turn))
                }
                (2, turn) => (Kind::Extension, turn),
                (3, turn) => (Kind::AgentExited, turn),
                (_, turn) => (Kind::Update, turn),
            };
            let body = RawBuf::encode(&"x".repeat(size)).unwrap();
            let lane = Record::MAIN_LANE.into();
            Arc::new(Record { seq, at, epoch: 1, lane, origin: Origin::Agent, kind, turn, position: None, body })
        });
        made.collect()
    })
}

fn info(records: &[Arc<Record>]) -> SessionInfo {
    let mut info = SessionInfo::new("s".into());
    for record in records {
        info.apply(record);
    }
    info
}

/// Up to where a session is trimmed when its records are looked at in pages of this size.
fn cut(policy: &Policy, records: &[Arc<Record>], now: u64, page: usize) -> (Seq, u64) {
    let Some(mut cut) = policy.plan(&info(records), now) else { return (0, 0) };
    if let Some(turn) = first_open(records) {
        cut.hold(turn);
    }
    let mut oldest = 0;
    for page in records.chunks(page) {
        let verdict = cut.take(page);
        oldest = verdict.through.unwrap_or(oldest);
        if !verdict.more {
            break;
        }
    }
    (oldest, cut.freed())
}

fn first_open(records: &[Arc<Record>]) -> Option<Seq> {
    let mut open = OpenTurns::default();
    records.iter().filter(|record| record.kind.is_control()).for_each(|record| open.take(record));
    open.first()
}

fn bulk(records: &[Arc<Record>]) -> impl DoubleEndedIterator<Item = &Arc<Record>> {
    records.iter().filter(|record| !record.kind.is_control())
}

proptest! {
    #[test]
    fn nothing_goes_that_is_young_fits_or_belongs_to_an_open_turn_and_everything_else_does(
        records in session(),
        age in proptest::option::of(0..5000_u64),
        bytes in proptest::option::of(0..6000_u64),
        now in 0..8000_u64,
        page in 1..20_usize,
    ) {
        let policy = Policy { age: age.map(Duration::from_micros), bytes };
        let (oldest, freed) = cut(&policy, &records, now, page);
        let kept: u64 = bulk(&records).filter(|record| record.seq > oldest).map(|record| record.weight() as u64).sum();
        let gone: Vec<_> = bulk(&records).filter(|record| record.seq <= oldest).collect();

        prop_assert_eq!(freed, gone.iter().map(|record| record.weight() as u64).sum::<u64>());
        let before = age.map_or(0, |age| now.saturating_sub(age));
        let held = first_open(&records).unwrap_or(Seq::MAX);
        prop_assert!(oldest < held, "a record of an open turn went");
        // The last that went was too old, or too much with what is kept.
        if let Some(last) = gone.last() {
            prop_assert_eq!(last.seq, oldest, "the cut ends at a record that goes");
            let too_much = bytes.is_some_and(|bytes| kept + last.weight() as u64 > bytes);
            prop_assert!(last.at < before || too_much);
        }
        // The first that stays is young and fits, or is held.
        if let Some(first) = bulk(&records).find(|record| record.seq > oldest) {
            prop_assert!(first.seq > held || (first.at >= before && bytes.is_none_or(|bytes| kept <= bytes)));
        }
    }

    #[test]
    fn a_cut_does_not_depend_on_how_the_records_are_read(
        records in session(), age in 0..5000_u64, bytes in 0..6000_u64, now in 0..8000_u64, page in 1..20_usize,
    ) {
        let policy = Policy { age: Some(Duration::from_micros(age)), bytes: Some(bytes) };
        prop_assert_eq!(cut(&policy, &records, now, page), cut(&policy, &records, now, usize::MAX));
    }

    #[test]
    fn a_policy_of_nothing_keeps_everything(records in session(), now in any::<u64>()) {
        prop_assert_eq!(Policy::default().plan(&info(&records), now), None);
    }
}

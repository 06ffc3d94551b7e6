use std::sync::Arc;

use acp_types::SessionId;
use acp_types::record::{Kind, Origin, Record, Seq};
use acp_types::{Raw, RawBuf};

use super::{Bounds, Hub};
use crate::log::{LogError, ReadLimit};

fn record(seq: Seq, bytes: usize) -> Arc<Record> {
    Arc::new(Record {
        seq,
        at: seq,
        epoch: 1,
        lane: Record::MAIN_LANE.into(),
        origin: Origin::Agent,
        kind: Kind::Update,
        turn: None,
        position: None,
        body: RawBuf::parse(format!("\"{}\"", "x".repeat(bytes))).unwrap_or_else(|_| Raw::NULL.to_owned()),
    })
}

fn publish(hub: &Hub, session: &str, seqs: std::ops::RangeInclusive<Seq>, bytes: usize) {
    let records: Vec<_> = seqs.map(|seq| record(seq, bytes)).collect();
    hub.publish(&session.into(), records.last().map_or(0, |last| last.seq), 0, &records);
}

fn recent(hub: &Hub, session: &str, after: Seq) -> Option<Result<Vec<Seq>, LogError>> {
    let records = hub.recent(&session.into(), after, ReadLimit::default())?;
    Some(records.map(|records| records.iter().map(|record| record.seq).collect()))
}

fn bounds(session_bytes: usize, session_records: usize, total_bytes: usize) -> Bounds {
    Bounds { session_bytes, session_records, total_bytes }
}

#[test]
fn what_was_published_is_at_hand_and_what_was_dropped_is_left_to_the_store() {
    let hub = Hub::new(bounds(1 << 20, 4, 1 << 20));
    publish(&hub, "s", 1..=6, 10);
    assert_eq!(recent(&hub, "s", 2), Some(Ok(vec![3, 4, 5, 6])));
    assert_eq!(recent(&hub, "s", 5), Some(Ok(vec![6])));
    assert_eq!(recent(&hub, "s", 6), Some(Ok(vec![])));
    assert_eq!(recent(&hub, "s", 1), None);
    assert_eq!(recent(&hub, "s", 7), Some(Err(LogError::BeyondHead { after: 7, head: 6 })));
    assert_eq!(recent(&hub, "other", 0), None);
}

#[test]
fn a_gap_between_publications_is_never_bridged() {
    let hub = Hub::new(Bounds::default());
    publish(&hub, "s", 1..=2, 10);
    publish(&hub, "s", 5..=6, 10);
    assert_eq!(recent(&hub, "s", 1), None);
    assert_eq!(recent(&hub, "s", 4), Some(Ok(vec![5, 6])));
}

#[test]
fn memory_stays_within_the_bound_of_a_session_and_of_all_together() {
    let hub = Hub::new(bounds(20_000, 1000, 50_000));
    for session in 0..50 {
        publish(&hub, &session.to_string(), 1..=100, 400);
        assert!(hub.total.load(std::sync::atomic::Ordering::Relaxed) <= 50_000, "{hub:?}");
    }
    assert!(recent(&hub, "49", 99).is_some(), "the newest are kept");
    assert_eq!(recent(&hub, "0", 99), None);
}

#[test]
fn a_sweep_forgets_what_nobody_used_since_the_last_one() {
    let hub = Hub::new(Bounds::default());
    publish(&hub, "idle", 1..=3, 10);
    publish(&hub, "watched", 1..=3, 10);
    let watched: SessionId = "watched".into();
    let receiver = hub.watch(&watched).known();
    assert!(receiver.is_some());
    hub.sweep();
    assert_eq!(recent(&hub, "idle", 0), Some(Ok(vec![1, 2, 3])), "used since the sweep before");
    hub.sweep();
    hub.sweep();
    assert_eq!(hub.total.load(std::sync::atomic::Ordering::Relaxed), 0);
    assert_eq!(super::lock(&hub.entries).len(), 1, "only the watched one keeps its head");
    publish(&hub, "watched", 4..=4, 10);
    assert_eq!(receiver.map(|receiver| receiver.borrow().last), Some(4));
}

#[test]
fn what_is_published_before_the_store_answers_is_not_taken_back() {
    let hub = Hub::new(Bounds::default());
    let session: SessionId = "s".into();
    let watch = hub.watch(&session);
    assert!(watch.known().is_none());
    publish(&hub, "s", 5..=6, 10);
    let receiver = watch.fill(4, 2);
    assert_eq!((receiver.borrow().last, receiver.borrow().oldest), (6, 2));
}

#[test]
fn following_a_session_that_does_not_exist_leaves_nothing_behind() {
    let hub = Hub::new(Bounds::default());
    let session: SessionId = "s".into();
    let watch = hub.watch(&session);
    hub.unwatch(&session, watch);
    assert!(super::lock(&hub.entries).is_empty());
}

#[test]
fn a_fault_is_told_once_until_it_changes_and_a_commit_clears_it() {
    let hub = Hub::new(Bounds::default());
    publish(&hub, "s", 1..=1, 10);
    let mut receiver = hub.watch(&"s".into()).fill(1, 0);
    receiver.mark_unchanged();
    hub.fault(&"s".into(), "full");
    assert_eq!(receiver.borrow_and_update().fault.as_deref(), Some("full"));
    hub.fault(&"s".into(), "full");
    assert!(!receiver.has_changed().unwrap_or(true));
    publish(&hub, "s", 2..=2, 10);
    assert_eq!(receiver.borrow_and_update().fault, None);
}

#[test]
fn a_deleted_session_ends_its_watchers_and_not_those_of_its_successor() {
    let hub = Hub::new(Bounds::default());
    publish(&hub, "s", 1..=3, 10);
    let old = hub.watch(&"s".into()).fill(3, 0);
    hub.deleted(&"s".into());
    assert!(old.borrow().deleted);
    publish(&hub, "s", 1..=1, 10);
    let new = hub.watch(&"s".into()).fill(1, 0);
    assert!(!new.borrow().deleted);
    assert_eq!(new.borrow().last, 1);
}

//! Trimming by age and size.

use std::sync::Arc;
use std::time::Duration;

use acp_bridge::log::Filter;
use acp_bridge::retention::{Policy, pass};
use acp_types::record::{Kind, Record, Seq};

use crate::suite::{Log, weight};
use crate::support::{follow, read_all, record, seqs, session, tail, updates};

suite! {
    retention_keeps_what_is_young_and_all_control_records,
    retention_keeps_a_session_below_its_size_whatever_comes,
    retention_leaves_a_running_turn_alone,
}

/// When [`record`] says that record 0 was made.
const START: u64 = 1_700_000_000_000_000;

async fn retention_keeps_what_is_young_and_all_control_records(log: Log) {
    let old = session(&*log, "old", 3000).await;
    log.append(&old, vec![record(3001, 1, Kind::SessionClosed)]).await.unwrap();
    log.append(&old, updates(3002..=3100)).await.unwrap();
    let short = session(&*log, "short", 5).await;
    let bare = session(&*log, "bare", 1).await;
    let policy = Policy { age: Some(Duration::from_micros(50)), bytes: None };
    let trimmed = pass(&*log, &policy, START + 3051).await.unwrap();
    // What was made at START + 3001 is 50 microseconds old, and no older; the cut ends before the control record.
    let info = log.get(&old).await.unwrap().unwrap();
    assert_eq!((info.oldest, info.head), (3000, 3100));
    assert_eq!(log.get(&short).await.unwrap().unwrap().oldest, 5);
    assert_eq!(log.get(&bare).await.unwrap().unwrap().oldest, 0);
    assert_eq!(trimmed.sessions, 2);
    assert_eq!(seqs(&read_all(&*log, &old, 0, Filter::Control).await.unwrap()), [1, 3001]);
    assert_eq!(pass(&*log, &policy, START + 3051).await.unwrap().sessions, 0, "a second pass finds nothing");
    assert_eq!(pass(&*log, &Policy::default(), u64::MAX).await.unwrap().sessions, 0);
}

async fn retention_keeps_a_session_below_its_size_whatever_comes(log: Log) {
    let id = session(&*log, "s", 1).await;
    let small = session(&*log, "small", 20).await;
    let policy = Policy { age: None, bytes: Some(20_000) };
    let mut tail = tail(Arc::clone(&log), id.clone(), 0).await.unwrap();
    let mut head = 1;
    for round in 0..5 {
        let more = updates(head + 1..=head + 500 * round);
        head += more.len() as Seq;
        log.append(&id, more).await.unwrap();
        follow(&mut tail, head).await;
        let before = log.get(&id).await.unwrap().unwrap();
        let trimmed = pass(&*log, &policy, 0).await.unwrap();
        let after = log.get(&id).await.unwrap().unwrap();
        assert!(after.bytes <= 20_000, "{}", after.bytes);
        assert!(after.bytes > 19_000 || after.oldest == 0, "no more goes than must: {}", after.bytes);
        assert_eq!(before.bytes - after.bytes, trimmed.bytes);
        assert_eq!(after.bytes, weight(&log, &id).await);
    }
    // Whoever was at the head has missed nothing and goes on.
    log.append(&id, updates(head + 1..=head + 3)).await.unwrap();
    follow(&mut tail, head + 3).await;
    assert_eq!(log.get(&small).await.unwrap().unwrap().oldest, 0);
}

async fn retention_leaves_a_running_turn_alone(log: Log) {
    let id = session(&*log, "s", 10).await;
    let turn = |seq, kind, turn| Arc::new(Record { turn: Some(turn), ..Record::clone(&record(seq, 1, kind)) });
    log.append(&id, vec![record(11, 1, Kind::PromptQueued), turn(12, Kind::TurnStarted, 11)]).await.unwrap();
    log.append(&id, updates(13..=2000)).await.unwrap();
    log.append(&id, vec![record(2001, 1, Kind::PromptQueued)]).await.unwrap();
    let policy = Policy { age: Some(Duration::ZERO), bytes: Some(0) };
    pass(&*log, &policy, u64::MAX).await.unwrap();
    assert_eq!(log.get(&id).await.unwrap().unwrap().oldest, 10);
    let outcome = turn(2002, Kind::TurnEnded, 11);
    log.append(&id, vec![outcome]).await.unwrap();
    log.append(&id, updates(2003..=2100)).await.unwrap();
    pass(&*log, &policy, u64::MAX).await.unwrap();
    // The second turn has not ended.
    assert_eq!(log.get(&id).await.unwrap().unwrap().oldest, 2000);
    log.append(&id, vec![turn(2101, Kind::TurnEnded, 2001)]).await.unwrap();
    pass(&*log, &policy, u64::MAX).await.unwrap();
    assert_eq!(log.get(&id).await.unwrap().unwrap().oldest, 2100);
}

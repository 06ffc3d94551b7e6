//! Following the head of a session.

use std::sync::Arc;

use acp_bridge::log::{Filter, ListQuery, LogError, ReadLimit};
use acp_types::record::{Kind, Seq};
use futures_util::FutureExt;
use tokio::task::JoinSet;

use crate::suite::{Log, write};
use crate::support::{Dice, follow, next, read_all, record, seqs, session, tail, updates};

suite! {
    a_tail_gets_history_then_live_each_record_once_while_a_host_writes,
    many_tails_see_the_same,
    a_tail_dropped_in_the_middle_of_waiting_loses_nothing,
    a_tail_that_is_not_read_holds_up_nobody_and_misses_nothing,
    a_fault_reaches_every_tail_once_and_is_over_with_the_next_commit,
    a_deleted_session_ends_its_tails_and_its_id_can_be_used_again,
}

async fn a_tail_gets_history_then_live_each_record_once_while_a_host_writes(log: Log) {
    const LAST: Seq = 12_000;
    let id = session(&*log, "s", 4000).await;
    let writer = {
        let (log, id) = (Arc::clone(&log), id.clone());
        tokio::spawn(async move { write(&log, &id, 4001, LAST).await })
    };
    let mut dice = Dice(42);
    let mut readers = JoinSet::new();
    for _ in 0..50 {
        let head = log.head(&id).await.unwrap().borrow().last;
        let cursor = dice.roll(head + 1);
        let mut tail = tail(Arc::clone(&log), id.clone(), cursor).await.unwrap();
        // Some go all the way, others leave and their place is taken by the next.
        let through = if dice.roll(5) == 0 { LAST } else { (cursor + dice.roll(2000)).min(head) };
        readers.spawn(async move {
            let all = follow(&mut tail, through).await;
            assert_eq!(tail.cursor(), cursor + all.len() as Seq);
            assert!(all.iter().all(|r| r.seq == 1 || **r == *record(r.seq, 1, Kind::Update)), "a record has changed");
        });
    }
    writer.await.unwrap();
    while let Some(ended) = readers.join_next().await {
        ended.unwrap();
    }
}

async fn many_tails_see_the_same(log: Log) {
    let id = session(&*log, "s", 100).await;
    let mut readers = JoinSet::new();
    for _ in 0..20 {
        let mut tail = tail(Arc::clone(&log), id.clone(), 0).await.unwrap();
        readers.spawn(async move { follow(&mut tail, 3000).await });
    }
    write(&log, &id, 101, 3000).await;
    let written = read_all(&*log, &id, 0, Filter::All).await.unwrap();
    assert_eq!(written.len(), 3000);
    while let Some(seen) = readers.join_next().await {
        assert!(seen.unwrap() == written);
    }
}

async fn a_tail_dropped_in_the_middle_of_waiting_loses_nothing(log: Log) {
    let id = session(&*log, "s", 1).await;
    let mut tail = tail(Arc::clone(&log), id.clone(), 0).await.unwrap();
    let mut all = Vec::new();
    let mut writer = None;
    let limit = ReadLimit { records: 5, bytes: usize::MAX };
    while tail.cursor() < 2000 {
        // Wherever it is, it is dropped there if it has to wait; then it is asked again.
        if let Some(some) = tail.next(limit).now_or_never() {
            all.extend(some.unwrap());
            continue;
        }
        // However fast the writer is: the tail has been dropped while it waited once before it begins.
        let (log, id) = (Arc::clone(&log), id.clone());
        writer.get_or_insert_with(|| tokio::spawn(async move { write(&log, &id, 2, 2000).await }));
        all.extend(tail.next(limit).await.unwrap());
    }
    writer.expect("the tail was dropped while it waited").await.unwrap();
    assert_eq!(seqs(&all), (1..=2000).collect::<Vec<_>>());
}

async fn a_tail_that_is_not_read_holds_up_nobody_and_misses_nothing(log: Log) {
    let id = session(&*log, "s", 1).await;
    let mut slow = tail(Arc::clone(&log), id.clone(), 1).await.unwrap();
    let mut quick = tail(Arc::clone(&log), id.clone(), 1).await.unwrap();
    write(&log, &id, 2, 20_000).await;
    assert_eq!(follow(&mut quick, 20_000).await.len(), 19_999);
    assert!(quick.caught_up() && !slow.caught_up());
    assert!(follow(&mut slow, 20_000).await == updates(2..=20_000));
}

async fn a_fault_reaches_every_tail_once_and_is_over_with_the_next_commit(log: Log) {
    let id = session(&*log, "s", 2).await;
    let mut tail = tail(Arc::clone(&log), id.clone(), 0).await.unwrap();
    log.fault(&id, "the disk is full").await;
    assert_eq!(seqs(&next(&mut tail).await.unwrap()), [1, 2], "what is written comes first");
    let fault = LogError::Unwritable { reason: "the disk is full".to_owned() };
    assert_eq!(next(&mut tail).await, Err(fault.clone()));
    log.fault(&id, "the disk is full").await;
    let quiet = tail.next(ReadLimit::default());
    tokio::select! {
        biased;
        again = quiet => panic!("told twice: {again:?}"),
        () = tokio::task::yield_now() => {}
    }
    log.append(&id, updates(3..=3)).await.unwrap();
    assert_eq!(seqs(&next(&mut tail).await.unwrap()), [3]);
    assert_eq!(log.head(&id).await.unwrap().borrow().fault, None);
    log.fault(&id, "the disk is full").await;
    assert_eq!(next(&mut tail).await, Err(fault));
}

async fn a_deleted_session_ends_its_tails_and_its_id_can_be_used_again(log: Log) {
    let id = session(&*log, "s", 3000).await;
    let not_found = LogError::NotFound { session: id.clone() };
    let mut waiting = tail(Arc::clone(&log), id.clone(), 3000).await.unwrap();
    let waiting = tokio::spawn(async move { (next(&mut waiting).await, next(&mut waiting).await) });
    let mut behind = tail(Arc::clone(&log), id.clone(), 5).await.unwrap();
    assert_eq!(log.delete(&id).await, Ok(true));
    assert_eq!(waiting.await.unwrap(), (Err(not_found.clone()), Err(not_found.clone())));
    assert_eq!(next(&mut behind).await, Err(not_found.clone()));
    assert_eq!(log.delete(&id).await, Ok(false));
    assert_eq!(log.get(&id).await, Ok(None));
    assert_eq!(log.list(ListQuery::default()).await, Ok(Vec::new()));
    assert_eq!(log.append(&id, updates(3001..=3001)).await, Err(not_found.clone()));

    let again = session(&*log, "s", 2).await;
    assert_eq!(next(&mut behind).await, Err(not_found), "it was another session's tail");
    assert_eq!(seqs(&read_all(&*log, &again, 0, Filter::All).await.unwrap()), [1, 2]);
}

//! What a read gives, and from which cursors.

use std::sync::Arc;

use acp_bridge::log::{Filter, ListQuery, LogError, ReadLimit};
use acp_types::record::{Kind, Origin, Record};
use acp_types::{RawBuf, SessionId};

use crate::suite::Log;
use crate::support::{claim, create, created, next, read_all, record, seqs, session, tail, updates, with_body};

suite! {
    records_come_back_in_order_and_unchanged,
    an_unknown_session_is_named_in_every_refusal,
    a_read_keeps_its_limits_and_returns_at_least_one_record,
    a_read_of_control_records_passes_the_bulk_over,
    a_cursor_beyond_the_head_is_refused_with_the_head,
    a_cursor_before_the_trim_is_refused_with_the_oldest_that_can_be_read,
}

async fn records_come_back_in_order_and_unchanged(log: Log) {
    let body = RawBuf::parse("{\"z\":1e2, \"a\" :[123456789012345678901234567890,\"\\u00e9\u{1F600}\\n\"]}").unwrap();
    let odd = Record {
        seq: 2,
        at: u64::MAX,
        epoch: 1,
        lane: "second \"lane\"".into(),
        origin: Origin::Client("client one".into()),
        kind: Kind::from("of_a_later_version"),
        turn: Some(u64::MAX),
        position: Some(u64::MAX),
        body,
    };
    let large = RawBuf::encode(&"x".repeat(3_000_000)).unwrap();
    let mut written = vec![created("/work"), Arc::new(odd)];
    written.push(with_body(3, 1, Kind::Update, large));
    written.push(with_body(4, 1, Kind::TurnEnded, RawBuf::parse("null").unwrap()));
    let id = SessionId::from("söme/id with 'quotes'");
    create(&*log, &id, written.clone()).await.unwrap();
    let more = updates(5..=3000);
    for batch in more.chunks(7) {
        log.append(&id, batch.to_vec()).await.unwrap();
    }
    written.extend(more);
    log.append(&id, Vec::new()).await.unwrap();
    assert_eq!(read_all(&*log, &id, 0, Filter::All).await.unwrap(), written);
    assert_eq!(log.get(&id).await.unwrap().unwrap().head, 3000);
}

async fn an_unknown_session_is_named_in_every_refusal(log: Log) {
    let id = SessionId::from("nowhere");
    let not_found = LogError::NotFound { session: id.clone() };
    assert!(not_found.to_string().contains("nowhere"));
    assert_eq!(log.get(&id).await, Ok(None));
    assert_eq!(log.delete(&id).await, Ok(false));
    assert_eq!(claim(&*log, &id).await, Err(not_found.clone()));
    assert_eq!(log.append(&id, updates(1..=1)).await, Err(not_found.clone()));
    assert_eq!(log.read(&id, 0, ReadLimit::default(), Filter::All).await, Err(not_found.clone()));
    assert_eq!(log.read(&id, 0, ReadLimit::default(), Filter::Control).await, Err(not_found.clone()));
    assert_eq!(log.trim(&id, 1).await, Err(not_found.clone()));
    assert_eq!(log.head(&id).await.map(drop), Err(not_found.clone()));
    assert_eq!(tail(Arc::clone(&log), id.clone(), 0).await.map(drop), Err(not_found.clone()));
    let query = ListQuery { after: Some(id.clone()), ..ListQuery::default() };
    assert_eq!(log.list(query).await, Err(not_found));
    log.fault(&id, "nobody hears this").await;
}

async fn a_read_keeps_its_limits_and_returns_at_least_one_record(log: Log) {
    let id = session(&*log, "s", 50).await;
    let weight = record(10, 1, Kind::Update).weight();
    for (limit, expected) in [
        (ReadLimit { records: 3, bytes: usize::MAX }, 3),
        (ReadLimit { records: usize::MAX, bytes: usize::MAX }, 41),
        (ReadLimit { records: 10, bytes: 2 * weight }, 2),
        (ReadLimit { records: 10, bytes: 2 * weight - 1 }, 1),
        (ReadLimit { records: 0, bytes: 0 }, 1),
    ] {
        let some = log.read(&id, 9, limit, Filter::All).await.unwrap();
        assert_eq!(seqs(&some), (10..10 + expected).collect::<Vec<_>>(), "{limit:?}");
    }
    assert_eq!(log.read(&id, 50, ReadLimit::default(), Filter::All).await, Ok(Vec::new()));
}

async fn a_read_of_control_records_passes_the_bulk_over(log: Log) {
    let id = session(&*log, "s", 1).await;
    let kinds = [Kind::PromptQueued, Kind::Update, Kind::Extension, Kind::from("later"), Kind::Update, Kind::TurnEnded];
    let records = (2..).zip(kinds).map(|(seq, kind)| record(seq, 1, kind)).collect();
    log.append(&id, records).await.unwrap();
    log.append(&id, updates(8..=2000)).await.unwrap();
    let control = read_all(&*log, &id, 0, Filter::Control).await.unwrap();
    assert_eq!(seqs(&control), [1, 2, 5, 7]);
    assert_eq!(seqs(&read_all(&*log, &id, 2, Filter::Control).await.unwrap()), [5, 7]);
    assert_eq!(log.read(&id, 2000, ReadLimit::default(), Filter::Control).await, Ok(Vec::new()));
    let one = log.read(&id, 0, ReadLimit { records: 1, bytes: usize::MAX }, Filter::Control).await.unwrap();
    assert_eq!(seqs(&one), [1]);
}

async fn a_cursor_beyond_the_head_is_refused_with_the_head(log: Log) {
    let id = session(&*log, "s", 5).await;
    let beyond = LogError::BeyondHead { after: 6, head: 5 };
    assert_eq!(log.read(&id, 6, ReadLimit::default(), Filter::All).await, Err(beyond.clone()));
    assert_eq!(log.read(&id, 6, ReadLimit::default(), Filter::Control).await, Err(beyond.clone()));
    assert_eq!(tail(Arc::clone(&log), id.clone(), 6).await.map(drop), Err(beyond));
    let far = log.read(&id, u64::MAX, ReadLimit::default(), Filter::All).await;
    assert_eq!(far, Err(LogError::BeyondHead { after: u64::MAX, head: 5 }));
    assert!(tail(log, id, 5).await.unwrap().caught_up());
}

async fn a_cursor_before_the_trim_is_refused_with_the_oldest_that_can_be_read(log: Log) {
    let id = session(&*log, "s", 10).await;
    log.append(&id, vec![record(11, 1, Kind::PromptQueued)]).await.unwrap();
    log.append(&id, updates(12..=5000)).await.unwrap();
    let mut behind = tail(Arc::clone(&log), id.clone(), 100).await.unwrap();
    assert_eq!(log.trim(&id, 4000).await, Ok(4000));
    let trimmed = |after| LogError::Trimmed { after, oldest: 4000 };
    assert_eq!(log.read(&id, 0, ReadLimit::default(), Filter::All).await, Err(trimmed(0)));
    assert_eq!(log.read(&id, 3999, ReadLimit::default(), Filter::All).await, Err(trimmed(3999)));
    assert_eq!(tail(Arc::clone(&log), id.clone(), 1).await.map(drop), Err(trimmed(1)));
    assert_eq!(next(&mut behind).await, Err(trimmed(100)));
    assert_eq!(read_all(&*log, &id, 4000, Filter::All).await.unwrap(), updates(4001..=5000));
    assert_eq!(seqs(&read_all(&*log, &id, 0, Filter::Control).await.unwrap()), [1, 11]);
    let info = log.get(&id).await.unwrap().unwrap();
    assert_eq!((info.oldest, info.head), (4000, 5000));
    log.append(&id, updates(5001..=5001)).await.unwrap();
    assert_eq!(log.head(&id).await.unwrap().borrow().oldest, 4000);
}

//! What is written, what is refused, and what is gone.

use std::sync::Arc;

use acp_bridge::log::{Filter, LogError, ReadLimit};
use acp_types::record::Kind;
use acp_types::{RawBuf, SessionId};
use tokio::task::JoinSet;

use crate::suite::{Log, weight, write};
use crate::support::{create, created, next, read_all, record, seqs, session, tail, updates, with_body};

suite! {
    a_batch_that_does_not_follow_on_the_head_is_refused_with_the_seq_that_does,
    a_refused_batch_leaves_nothing_behind,
    a_session_is_created_once,
    many_sessions_are_written_at_once,
    a_trim_goes_no_further_than_the_head_and_never_back,
    what_is_kept_of_a_session_is_weighed,
    a_log_that_is_shut_down_refuses_everything_and_ends_its_tails,
}

async fn a_batch_that_does_not_follow_on_the_head_is_refused_with_the_seq_that_does(log: Log) {
    let id = session(&*log, "s", 5).await;
    for got in [5, 7, 0, 1, u64::MAX] {
        let refused = log.append(&id, vec![record(got, 1, Kind::Update)]).await;
        assert_eq!(refused, Err(LogError::Conflict { expected: 6, got }));
    }
    let id = SessionId::from("other");
    let refused = create(&*log, &id, updates(2..=3)).await;
    assert_eq!(refused, Err(LogError::Conflict { expected: 1, got: 2 }));
    assert_eq!(log.get(&id).await.unwrap(), None);
}

async fn a_refused_batch_leaves_nothing_behind(log: Log) {
    let id = session(&*log, "s", 3).await;
    let with_gap = vec![record(4, 1, Kind::PromptQueued), record(5, 1, Kind::Update), record(7, 1, Kind::Update)];
    assert_eq!(log.append(&id, with_gap).await, Err(LogError::Conflict { expected: 6, got: 7 }));
    let of_two_epochs = vec![record(4, 1, Kind::PromptQueued), record(5, 2, Kind::Update)];
    assert_eq!(log.append(&id, of_two_epochs).await, Err(LogError::Fenced { epoch: 2, current: 1 }));
    let info = log.get(&id).await.unwrap().unwrap();
    assert_eq!((info.head, info.open_turns), (3, 0));
    assert_eq!(seqs(&read_all(&*log, &id, 0, Filter::All).await.unwrap()), [1, 2, 3]);
    log.append(&id, updates(4..=4)).await.unwrap();
}

async fn a_session_is_created_once(log: Log) {
    let id = session(&*log, "s", 2).await;
    let again = create(&*log, &id, vec![created("/elsewhere")]).await;
    assert_eq!(again, Err(LogError::Exists { session: id.clone() }));
    assert_eq!(log.get(&id).await.unwrap().unwrap().cwd, "/work");
}

async fn many_sessions_are_written_at_once(log: Log) {
    let mut hosts = JoinSet::new();
    for n in 0..40 {
        let log = Arc::clone(&log);
        hosts.spawn(async move {
            let id = session(&*log, &format!("s{n}"), 1).await;
            write(&log, &id, 2, 300 + n).await;
            (id, 300 + n)
        });
    }
    while let Some(ended) = hosts.join_next().await {
        let (id, head) = ended.unwrap();
        let all = read_all(&*log, &id, 0, Filter::All).await.unwrap();
        assert_eq!(seqs(&all), (1..=head).collect::<Vec<_>>());
    }
}

async fn a_trim_goes_no_further_than_the_head_and_never_back(log: Log) {
    let id = session(&*log, "s", 10).await;
    assert_eq!(log.trim(&id, 4).await, Ok(4));
    assert_eq!(log.trim(&id, 2).await, Ok(4));
    assert_eq!(log.trim(&id, 99).await, Ok(10));
    assert_eq!(log.read(&id, 10, ReadLimit::default(), Filter::All).await, Ok(Vec::new()));
    log.append(&id, updates(11..=11)).await.unwrap();
    assert_eq!(log.read(&id, 10, ReadLimit::default(), Filter::All).await, Ok(updates(11..=11)));
}

async fn what_is_kept_of_a_session_is_weighed(log: Log) {
    let id = session(&*log, "s", 30).await;
    log.append(&id, vec![record(31, 1, Kind::PromptQueued), record(32, 1, Kind::Extension)]).await.unwrap();
    log.append(&id, vec![with_body(33, 1, Kind::Update, RawBuf::encode(&"ü\u{1F600}".repeat(5000)).unwrap())])
        .await
        .unwrap();
    let mut bytes = u64::MAX;
    for through in [0, 10, 10, 5, 31, 99] {
        log.trim(&id, through).await.unwrap();
        let info = log.get(&id).await.unwrap().unwrap();
        assert_eq!(info.bytes, weight(&log, &id).await, "after a trim through {through}");
        assert!(info.bytes <= bytes);
        bytes = info.bytes;
    }
    assert_eq!(bytes, 0);
    log.append(&id, updates(34..=40)).await.unwrap();
    assert_eq!(log.get(&id).await.unwrap().unwrap().bytes, weight(&log, &id).await);
}

async fn a_log_that_is_shut_down_refuses_everything_and_ends_its_tails(log: Log) {
    let id = session(&*log, "s", 2).await;
    let mut waiting = tail(Arc::clone(&log), id.clone(), 2).await.unwrap();
    let waiting = tokio::spawn(async move { next(&mut waiting).await });
    log.shutdown().await;
    assert_eq!(waiting.await.unwrap(), Err(LogError::Closed));
    assert_eq!(log.append(&id, updates(3..=3)).await, Err(LogError::Closed));
    assert_eq!(log.read(&id, 0, ReadLimit::default(), Filter::All).await, Err(LogError::Closed));
    assert_eq!(log.get(&id).await, Err(LogError::Closed));
    assert_eq!(log.head(&id).await.map(drop), Err(LogError::Closed));
    log.shutdown().await;
}

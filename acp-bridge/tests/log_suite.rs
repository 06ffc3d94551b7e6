//! What every session log does, whatever it stores its records in.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod log_support;
#[path = "split_support/protocol.rs"]
mod protocol;
#[path = "split_support/client.rs"]
mod remote;
#[path = "split_support/server.rs"]
mod server;

use std::sync::Arc;
use std::time::Duration;

use acp_bridge::archive::{Export, ExportError};
use acp_bridge::log::{
    Durability, Filter, ListQuery, LogError, Member, MemberId, MemoryLog, QueueError, QueuedCommand, ReadLimit, Role,
    SessionInfo, SessionLog, SqliteLog, TakenCommand, tail,
};
use acp_bridge::retention::{Policy, pass};
use acp_types::record::{Kind, Origin, Record, Seq};
use acp_types::{RawBuf, SessionId};
use bytes::Bytes;
use futures_util::FutureExt;
use log_support::{
    DEADLINE, Dice, TERM, claim, create, created, follow, host, next, read_all, record, seqs, session, updates,
    with_body,
};
use tokio::task::JoinSet;

type Log = Arc<dyn SessionLog>;

/// Runs each test for every kind of log.
macro_rules! suite {
    ($($test:ident,)*) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::run(std::sync::Arc::new(super::MemoryLog::new()), super::$test).await;
            })*
        }
        /// The log in memory, from another process as far as the caller can tell.
        mod behind_a_socket {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let directory = tempfile::tempdir().unwrap();
                let path = directory.path().join("socket");
                let server = super::server::LogServer::start(&path);
                let log = super::remote::RemoteLog::connect(path).await.unwrap();
                super::run(std::sync::Arc::new(log), super::$test).await;
                drop(server);
            })*
        }
        suite!(@sqlite sqlite_fsync Fsync $($test,)*);
        suite!(@sqlite sqlite_os Os $($test,)*);
    };
    (@sqlite $module:ident $durability:ident $($test:ident,)*) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let directory = tempfile::tempdir().unwrap();
                let path = directory.path().join("log.db");
                let log = super::SqliteLog::open(&path, super::Durability::$durability).await.unwrap();
                super::run(std::sync::Arc::new(log), super::$test).await;
                super::SqliteLog::check(&path).unwrap();
            })*
        }
    };
}

async fn run<F: Future<Output = ()>>(log: Log, test: impl FnOnce(Log) -> F) {
    tokio::time::timeout(DEADLINE, test(Arc::clone(&log))).await.expect("the test ends in time");
    log.shutdown().await;
}

suite! {
    records_come_back_in_order_and_unchanged,
    a_batch_that_does_not_follow_on_the_head_is_refused_with_the_seq_that_does,
    a_refused_batch_leaves_nothing_behind,
    a_claim_fences_off_the_host_before_it,
    two_hosts_never_both_append,
    a_session_is_created_once,
    a_session_is_held_until_its_host_gives_it_up_or_its_lease_runs_out,
    a_host_that_is_late_keeps_what_nobody_has_taken_and_learns_what_is_lost,
    a_command_goes_to_the_host_of_its_session_and_is_answered_by_id,
    the_same_command_twice_has_one_effect_and_one_answer,
    commands_without_a_host_are_refused_and_those_of_a_host_that_goes_find_another,
    a_command_that_nobody_takes_in_time_is_refused_and_never_taken,
    a_full_queue_refuses_and_keeps_nothing,
    whoever_takes_commands_must_be_a_member,
    an_unknown_session_is_named_in_every_refusal,
    a_read_keeps_its_limits_and_returns_at_least_one_record,
    a_read_of_control_records_passes_the_bulk_over,
    a_cursor_beyond_the_head_is_refused_with_the_head,
    a_cursor_before_the_trim_is_refused_with_the_oldest_that_can_be_read,
    a_trim_goes_no_further_than_the_head_and_never_back,
    a_tail_gets_history_then_live_each_record_once_while_a_host_writes,
    many_tails_see_the_same,
    a_tail_dropped_in_the_middle_of_waiting_loses_nothing,
    a_tail_that_is_not_read_holds_up_nobody_and_misses_nothing,
    a_fault_reaches_every_tail_once_and_is_over_with_the_next_commit,
    a_deleted_session_ends_its_tails_and_its_id_can_be_used_again,
    a_listing_goes_from_the_newest_and_stays_in_place_while_sessions_are_added,
    a_listing_can_be_of_one_working_directory,
    a_listing_finds_a_directory_however_it_is_written,
    a_session_is_described_by_its_records,
    what_is_kept_of_a_session_is_weighed,
    an_export_has_what_the_log_has_up_to_the_head_at_which_it_began,
    an_export_from_a_cursor_has_what_came_after_it,
    an_export_of_a_session_that_is_trimmed_or_deleted_meanwhile_fails,
    retention_keeps_what_is_young_and_all_control_records,
    retention_keeps_a_session_below_its_size_whatever_comes,
    retention_leaves_a_running_turn_alone,
    many_sessions_are_written_at_once,
    a_log_that_is_shut_down_refuses_everything_and_ends_its_tails,
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

async fn a_claim_fences_off_the_host_before_it(log: Log) {
    let id = session(&*log, "s", 3).await;
    let claimed = claim(&*log, &id).await.unwrap();
    assert_eq!((claimed.epoch, claimed.head), (2, 3));
    let stale = log.append(&id, updates(4..=4)).await;
    assert_eq!(stale, Err(LogError::Fenced { epoch: 1, current: 2 }));
    log.append(&id, vec![record(4, 2, Kind::Update)]).await.unwrap();
    assert_eq!(claim(&*log, &id).await.unwrap().epoch, 3);
    assert_eq!(log.get(&id).await.unwrap().unwrap().epoch, 3);
    let epochs: Vec<_> = read_all(&*log, &id, 0, Filter::All).await.unwrap().iter().map(|r| r.epoch).collect();
    assert_eq!(epochs, [1, 1, 1, 2]);
}

/// Several hosts take the session from each other all the time; whatever is written follows one order of epochs.
async fn two_hosts_never_both_append(log: Log) {
    let id = session(&*log, "s", 1).await;
    let mut hosts = JoinSet::new();
    for _ in 0..4 {
        let (log, id) = (Arc::clone(&log), id.clone());
        hosts.spawn(async move {
            for _ in 0..30 {
                let info = claim(&*log, &id).await.unwrap();
                let mut seq = info.head;
                // Appends until another host has the session.
                for _ in 0..20 {
                    seq += 1;
                    match log.append(&id, vec![record(seq, info.epoch, Kind::Update)]).await {
                        Ok(()) => {}
                        Err(LogError::Fenced { .. }) => break,
                        Err(other) => panic!("{other}"),
                    }
                }
            }
        });
    }
    while let Some(ended) = hosts.join_next().await {
        ended.unwrap();
    }
    let all = read_all(&*log, &id, 0, Filter::All).await.unwrap();
    assert_eq!(seqs(&all), (1..=all.len() as Seq).collect::<Vec<_>>());
    assert!(all.is_sorted_by_key(|record| record.epoch), "an older epoch appended after a newer one");
}

async fn a_session_is_held_until_its_host_gives_it_up_or_its_lease_runs_out(log: Log) {
    let id = session(&*log, "s", 1).await;
    let (first, other) = (host(&*log, "host").await, host(&*log, "other").await);
    assert_eq!(log.holder(&id).await, Ok(Some(first.clone())));
    let refused = log.claim(&id, &other).await.unwrap_err();
    assert!(matches!(&refused, LogError::Held { holder, .. } if *holder == first), "{refused}");
    assert_eq!(log.get(&id).await.unwrap().unwrap().epoch, 1, "a refused claim changes nothing");
    log.release(&id, &other, 1).await.unwrap();
    assert_eq!(log.holder(&id).await, Ok(Some(first.clone())), "whoever does not hold it gives nothing up");
    log.release(&id, &first, 1).await.unwrap();
    assert_eq!(log.holder(&id).await, Ok(None));
    assert_eq!(log.claim(&id, &other).await.unwrap().epoch, 2);
    log.leave(&other).await.unwrap();
    assert_eq!(log.claim(&id, &first).await.unwrap().epoch, 3);
    let nobody = log.claim(&id, &"nobody".into()).await.unwrap_err();
    assert_eq!(nobody, LogError::NotAMember { member: "nobody".into() });
}

async fn a_host_that_is_late_keeps_what_nobody_has_taken_and_learns_what_is_lost(log: Log) {
    let late = Member { id: "late".into(), role: Role::Host };
    assert!(log.renew(&late, Duration::from_millis(20)).await.unwrap().joined);
    for id in ["kept", "lost"] {
        log.create(&id.into(), &late.id, vec![created("/work")]).await.unwrap();
    }
    let other = host(&*log, "other").await;
    // The log says how long the lease still runs.
    let claimed = loop {
        match log.claim(&"lost".into(), &other).await {
            Err(LogError::Held { remaining, .. }) => tokio::time::sleep(remaining).await,
            claimed => break claimed.unwrap(),
        }
    };
    assert_eq!(claimed.epoch, 2);
    assert_eq!(log.append(&"lost".into(), updates(2..=2)).await, Err(LogError::Fenced { epoch: 1, current: 2 }));
    log.append(&"kept".into(), updates(2..=2)).await.unwrap();
    let renewal = log.renew(&late, TERM).await.unwrap();
    assert_eq!((renewal.joined, renewal.lost), (false, vec!["lost".into()]));
    let mut there: Vec<_> = renewal.members.iter().map(|member| member.id.as_str().to_owned()).collect();
    there.sort();
    assert_eq!(there, ["late", "other"]);
    assert!(log.renew(&late, TERM).await.unwrap().lost.is_empty(), "it is told once");
    assert_eq!(log.holder(&"kept".into()).await, Ok(Some(late.id)));
    assert_eq!(log.holder(&"lost".into()).await, Ok(Some(other)));
}

fn command(id: &str, session: Option<&str>, within: Duration) -> QueuedCommand {
    let body = Bytes::from(format!("do {id}"));
    QueuedCommand { id: id.into(), session: session.map(Into::into), from: "gateway".into(), within, body }
}

fn submit(log: &Log, command: QueuedCommand) -> tokio::task::JoinHandle<Result<Bytes, QueueError>> {
    let log = Arc::clone(log);
    tokio::spawn(async move { log.submit(command).await })
}

/// What a host takes next, which is to be these commands.
async fn takes(log: &Log, host: &MemberId, expected: &[&str]) -> Vec<TakenCommand> {
    let mut all: Vec<TakenCommand> = Vec::new();
    while all.len() < expected.len() {
        all.extend(log.take(host).await.unwrap());
    }
    let mut ids: Vec<_> = all.iter().map(|taken| taken.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, expected);
    all
}

async fn a_command_goes_to_the_host_of_its_session_and_is_answered_by_id(log: Log) {
    let (first, second) = (host(&*log, "a").await, host(&*log, "b").await);
    log.create(&"of-a".into(), &first, vec![created("/work")]).await.unwrap();
    log.create(&"of-b".into(), &second, vec![created("/work")]).await.unwrap();
    let to_a = submit(&log, command("1", Some("of-a"), TERM));
    let to_b = submit(&log, command("2", Some("of-b"), TERM));
    let taken = takes(&log, &second, &["2"]).await;
    assert_eq!((&taken[0].session, &taken[0].from), (&Some("of-b".into()), &"gateway".into()));
    assert_eq!(taken[0].body, "do 2");
    assert!(taken[0].remaining <= TERM && !taken[0].remaining.is_zero());
    takes(&log, &first, &["1"]).await;
    log.answer(&"2".into(), "done 2".into()).await.unwrap();
    assert_eq!(to_b.await.unwrap(), Ok("done 2".into()));
    log.answer(&"1".into(), "done 1".into()).await.unwrap();
    log.answer(&"1".into(), "another".into()).await.unwrap();
    log.answer(&"never asked".into(), "x".into()).await.unwrap();
    assert_eq!(to_a.await.unwrap(), Ok("done 1".into()));
    // No session, no holder: any host will do.
    let anywhere = submit(&log, command("3", Some("of-nobody"), TERM));
    takes(&log, &first, &["3"]).await;
    log.answer(&"3".into(), "".into()).await.unwrap();
    assert_eq!(anywhere.await.unwrap(), Ok("".into()));
}

async fn the_same_command_twice_has_one_effect_and_one_answer(log: Log) {
    let host = host(&*log, "host").await;
    let once = submit(&log, command("1", None, TERM));
    takes(&log, &host, &["1"]).await;
    let twice = submit(&log, command("1", None, TERM));
    let next = submit(&log, command("2", None, TERM));
    // The next one comes, and not the first again.
    takes(&log, &host, &["2"]).await;
    for id in ["1", "2"] {
        log.answer(&id.into(), format!("done {id}").into()).await.unwrap();
    }
    assert_eq!(once.await.unwrap(), Ok("done 1".into()));
    assert_eq!(twice.await.unwrap(), Ok("done 1".into()));
    assert_eq!(next.await.unwrap(), Ok("done 2".into()));
    assert_eq!(log.submit(command("1", None, TERM)).await, Ok("done 1".into()), "it is remembered");
}

async fn commands_without_a_host_are_refused_and_those_of_a_host_that_goes_find_another(log: Log) {
    assert_eq!(log.submit(command("0", None, TERM)).await, Err(QueueError::NoHost));
    let (first, second) = (host(&*log, "a").await, host(&*log, "b").await);
    log.create(&"s".into(), &first, vec![created("/work")]).await.unwrap();
    let taken = submit(&log, command("1", Some("s"), TERM));
    takes(&log, &first, &["1"]).await;
    // Whether it comes before or after its host goes.
    let waits = submit(&log, command("2", Some("s"), TERM));
    log.leave(&first).await.unwrap();
    assert_eq!(taken.await.unwrap(), Err(QueueError::HostGone));
    takes(&log, &second, &["2"]).await;
    log.answer(&"2".into(), "done".into()).await.unwrap();
    assert_eq!(waits.await.unwrap(), Ok("done".into()));
    log.leave(&second).await.unwrap();
    assert_eq!(log.submit(command("4", None, TERM)).await, Err(QueueError::NoHost));
}

async fn a_command_that_nobody_takes_in_time_is_refused_and_never_taken(log: Log) {
    let host = host(&*log, "host").await;
    assert_eq!(log.submit(command("1", None, Duration::from_millis(1))).await, Err(QueueError::Late));
    let next = submit(&log, command("2", None, TERM));
    takes(&log, &host, &["2"]).await;
    log.answer(&"2".into(), "done".into()).await.unwrap();
    assert_eq!(next.await.unwrap(), Ok("done".into()));
}

async fn a_full_queue_refuses_and_keeps_nothing(log: Log) {
    let host = host(&*log, "host").await;
    let mut waiting = JoinSet::new();
    let mut refused = 0;
    // More than there is room for, so some are refused at once; all others wait.
    for number in 0..5000 {
        let (log, command) = (Arc::clone(&log), command(&format!("{number:04}"), None, TERM));
        waiting.spawn(async move { log.submit(command).await });
    }
    let mut taken = 0;
    while let Some(answer) = { if refused == 0 { waiting.join_next().await } else { None } } {
        match answer.unwrap() {
            Err(QueueError::Full { waiting }) => {
                assert!(waiting >= 1000, "{waiting}");
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(refused > 0, "5000 commands found room");
    while !waiting.is_empty() {
        tokio::select! {
            biased;
            Some(answer) = waiting.join_next() => match answer.unwrap() {
                Ok(_) => {}
                Err(QueueError::Full { .. }) => refused += 1,
                Err(other) => panic!("{other:?}"),
            },
            commands = log.take(&host) => for command in commands.unwrap() {
                taken += 1;
                log.answer(&command.id, "done".into()).await.unwrap();
            },
        }
    }
    assert_eq!(taken + refused, 5000, "each is answered or refused");
}

async fn whoever_takes_commands_must_be_a_member(log: Log) {
    assert_eq!(log.take(&"nobody".into()).await, Err(LogError::NotAMember { member: "nobody".into() }));
    let waits = {
        let (log, host) = (Arc::clone(&log), host(&*log, "host").await);
        tokio::spawn(async move { log.take(&host).await })
    };
    log.leave(&"host".into()).await.unwrap();
    assert_eq!(waits.await.unwrap(), Err(LogError::NotAMember { member: "host".into() }));
}

async fn a_session_is_created_once(log: Log) {
    let id = session(&*log, "s", 2).await;
    let again = create(&*log, &id, vec![created("/elsewhere")]).await;
    assert_eq!(again, Err(LogError::Exists { session: id.clone() }));
    assert_eq!(log.get(&id).await.unwrap().unwrap().cwd, "/work");
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

async fn a_trim_goes_no_further_than_the_head_and_never_back(log: Log) {
    let id = session(&*log, "s", 10).await;
    assert_eq!(log.trim(&id, 4).await, Ok(4));
    assert_eq!(log.trim(&id, 2).await, Ok(4));
    assert_eq!(log.trim(&id, 99).await, Ok(10));
    assert_eq!(log.read(&id, 10, ReadLimit::default(), Filter::All).await, Ok(Vec::new()));
    log.append(&id, updates(11..=11)).await.unwrap();
    assert_eq!(log.read(&id, 10, ReadLimit::default(), Filter::All).await, Ok(updates(11..=11)));
}

/// Appends updates in batches of changing size, up to a seq.
async fn write(log: &Log, id: &SessionId, from: Seq, through: Seq) {
    let mut dice = Dice(7);
    let mut first = from;
    while first <= through {
        let last = through.min(first + dice.roll(60));
        log.append(id, updates(first..=last)).await.unwrap();
        first = last + 1;
    }
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

fn ids(sessions: &[SessionInfo]) -> Vec<&str> {
    sessions.iter().map(|info| info.id.as_str()).collect()
}

async fn a_listing_goes_from_the_newest_and_stays_in_place_while_sessions_are_added(log: Log) {
    for n in 0..7 {
        session(&*log, &format!("s{n}"), 1).await;
    }
    // Being written to changes no place.
    log.append(&"s1".into(), updates(2..=2)).await.unwrap();
    let page = |after: Option<&str>| ListQuery { cwd: None, after: after.map(SessionId::from), limit: 3 };
    let first = log.list(page(None)).await.unwrap();
    assert_eq!(ids(&first), ["s6", "s5", "s4"]);
    session(&*log, "s7", 1).await;
    log.delete(&"s3".into()).await.unwrap();
    let second = log.list(page(Some("s4"))).await.unwrap();
    assert_eq!(ids(&second), ["s2", "s1", "s0"]);
    assert_eq!(second[1].head, 2);
    assert_eq!(log.list(page(Some("s0"))).await, Ok(Vec::new()));
    assert_eq!(log.list(ListQuery::default()).await.unwrap().len(), 7);
}

async fn a_listing_can_be_of_one_working_directory(log: Log) {
    for (id, cwd) in [("a", "/one"), ("b", "/two"), ("c", "/one"), ("d", "/one/deeper")] {
        create(&*log, &id.into(), vec![created(cwd)]).await.unwrap();
    }
    let query = ListQuery { cwd: Some("/one".to_owned()), ..ListQuery::default() };
    assert_eq!(ids(&log.list(query).await.unwrap()), ["c", "a"]);
    let query = ListQuery { cwd: Some("/one".to_owned()), after: Some("c".into()), limit: 1 };
    assert_eq!(ids(&log.list(query).await.unwrap()), ["a"]);
}

async fn a_listing_finds_a_directory_however_it_is_written(log: Log) {
    let place = tempfile::tempdir().unwrap();
    let place = place.path().to_str().unwrap();
    std::fs::create_dir(format!("{place}/real")).unwrap();
    std::os::unix::fs::symlink(format!("{place}/real"), format!("{place}/link")).unwrap();
    let given = [format!("{place}/real"), format!("{place}/link/"), format!("{place}//./real")];
    for (id, cwd) in ["a", "b", "c"].into_iter().zip(&given) {
        create(&*log, &id.into(), vec![created(cwd)]).await.unwrap();
    }
    create(&*log, &"d".into(), vec![created(place)]).await.unwrap();
    for cwd in &given {
        let query = ListQuery { cwd: Some(cwd.clone()), ..ListQuery::default() };
        let found = log.list(query).await.unwrap();
        assert_eq!(ids(&found), ["c", "b", "a"], "{cwd}");
        assert!(found.iter().rev().map(|info| &info.cwd).eq(&given), "what was given is shown");
    }
}

async fn a_session_is_described_by_its_records(log: Log) {
    let id = session(&*log, "s", 1).await;
    let title = |seq, title: &str| {
        with_body(seq, 1, Kind::SessionUpdated, RawBuf::encode(&serde_json::json!({ "title": title })).unwrap())
    };
    let mut expected = SessionInfo::new(id.clone());
    let mut records = vec![created("/work")];
    records.extend([title(2, "a title"), record(3, 1, Kind::PromptQueued), record(4, 1, Kind::PromptQueued)]);
    records.extend([record(5, 1, Kind::TurnEnded), record(6, 1, Kind::SessionUpdated), record(7, 1, Kind::Update)]);
    for record in &records {
        expected.apply(record);
    }
    log.append(&id, records[1..].to_vec()).await.unwrap();
    let info = log.get(&id).await.unwrap().unwrap();
    assert_eq!(info, expected);
    assert_eq!((info.title.as_deref(), info.open_turns, info.cwd.as_str()), (Some("a title"), 1, "/work"));
    assert_eq!((info.created_at, info.updated_at), (records[0].at, records[6].at));
    log.append(&id, vec![title(8, "")]).await.unwrap();
    assert_eq!(log.get(&id).await.unwrap().unwrap().title, None);
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

/// What the updates and extensions weigh that can be read.
async fn weight(log: &Log, id: &SessionId) -> u64 {
    let oldest = log.get(id).await.unwrap().unwrap().oldest;
    let kept = read_all(&**log, id, oldest, Filter::All).await.unwrap();
    kept.iter().filter(|record| !record.kind.is_control()).map(|record| record.weight() as u64).sum()
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

/// The rest of an export: its records, and the lines that it has.
async fn rest(export: &mut Export<'_, dyn SessionLog>) -> Result<(Vec<Arc<Record>>, usize), ExportError> {
    let mut text = Vec::new();
    while let Some(page) = export.next().await? {
        text.extend(page);
    }
    let text = String::from_utf8(text).unwrap();
    let records = text.lines().skip(1).map(|line| Arc::new(serde_json::from_str(line).unwrap())).collect();
    Ok((records, text.lines().count()))
}

async fn an_export_has_what_the_log_has_up_to_the_head_at_which_it_began(log: Log) {
    let id = session(&*log, "s", 20).await;
    log.append(&id, vec![record(21, 1, Kind::PromptQueued)]).await.unwrap();
    log.append(&id, updates(22..=3000)).await.unwrap();
    for oldest in [0, 25, 3000] {
        log.trim(&id, oldest).await.unwrap();
        let mut expected = read_all(&*log, &id, 0, Filter::Control).await.unwrap();
        expected.retain(|record| record.seq <= oldest);
        expected.extend(read_all(&*log, &id, oldest, Filter::All).await.unwrap());
        let info = log.get(&id).await.unwrap().unwrap();
        let mut export = Export::begin(&*log, &id, 0).await.unwrap();
        log.append(&id, updates(info.head + 1..=info.head + 10)).await.unwrap();
        let (records, lines) = rest(&mut export).await.unwrap();
        expected.retain(|record| record.seq <= info.head);
        assert_eq!(records, expected, "trimmed through {oldest}");
        let header = export.header();
        assert_eq!((header.records + 1, header.head, header.oldest), (lines as u64, info.head, oldest));
    }
}

async fn an_export_from_a_cursor_has_what_came_after_it(log: Log) {
    let id = session(&*log, "s", 100).await;
    log.trim(&id, 40).await.unwrap();
    let mut export = Export::begin(&*log, &id, 60).await.unwrap();
    let (records, _) = rest(&mut export).await.unwrap();
    assert_eq!(seqs(&records), (61..=100).collect::<Vec<_>>());
    assert_eq!(rest(&mut Export::begin(&*log, &id, 100).await.unwrap()).await.unwrap().0, []);
    let early = Export::begin(&*log, &id, 39).await.unwrap_err();
    assert_eq!(early, ExportError::Log(LogError::Trimmed { after: 39, oldest: 40 }));
    let late = Export::begin(&*log, &id, 101).await.unwrap_err();
    assert_eq!(late, ExportError::Log(LogError::BeyondHead { after: 101, head: 100 }));
    let unknown = Export::begin(&*log, &"other".into(), 0).await.unwrap_err();
    assert_eq!(unknown, ExportError::Log(LogError::NotFound { session: "other".into() }));
}

async fn an_export_of_a_session_that_is_trimmed_or_deleted_meanwhile_fails(log: Log) {
    let id = session(&*log, "s", 100).await;
    let changed = ExportError::Changed { session: id.clone() };
    let mut export = Export::begin(&*log, &id, 0).await.unwrap();
    log.trim(&id, 50).await.unwrap();
    assert_eq!(rest(&mut export).await, Err(changed.clone()));
    let mut export = Export::begin(&*log, &id, 0).await.unwrap();
    log.delete(&id).await.unwrap();
    assert_eq!(rest(&mut export).await, Err(changed.clone()));
    session(&*log, "s", 100).await;
    let mut export = Export::begin(&*log, &id, 0).await.unwrap();
    log.delete(&id).await.unwrap();
    session(&*log, "s", 99).await;
    assert_eq!(rest(&mut export).await, Err(changed));
}

/// When [`record`] says that record 0 was made.
const START: u64 = 1_700_000_000_000_000;

async fn retention_keeps_what_is_young_and_all_control_records(log: Log) {
    let old = session(&*log, "old", 3000).await;
    log.append(&old, vec![record(3001, 1, Kind::SessionClosed)]).await.unwrap();
    log.append(&old, updates(3002..=3100)).await.unwrap();
    let short = session(&*log, "short", 5).await;
    let bare = session(&*log, "bare", 1).await;
    let policy = Policy { age: Some(std::time::Duration::from_micros(50)), bytes: None };
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
    let policy = Policy { age: Some(std::time::Duration::ZERO), bytes: Some(0) };
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

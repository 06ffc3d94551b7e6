//! Commands on their way from gateways to hosts.

use std::sync::Arc;
use std::time::Duration;

use acp_bridge::log::{LogError, MemberId, QueueError, QueuedCommand, TakenCommand};
use bytes::Bytes;
use tokio::task::JoinSet;

use crate::suite::Log;
use crate::support::{TERM, created, host};

suite! {
    a_command_goes_to_the_host_of_its_session_and_is_answered_by_id,
    the_same_command_twice_has_one_effect_and_one_answer,
    commands_without_a_host_are_refused_and_those_of_a_host_that_goes_find_another,
    a_command_that_nobody_takes_in_time_is_refused_and_never_taken,
    a_full_queue_refuses_and_keeps_nothing,
    whoever_takes_commands_must_be_a_member,
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

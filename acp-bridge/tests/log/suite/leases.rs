//! Who holds a session, and who may write it.

use std::sync::Arc;
use std::time::Duration;

use acp_bridge::log::{Filter, LogError, Member, Role};
use acp_types::record::{Kind, Seq};
use tokio::task::JoinSet;

use crate::suite::Log;
use crate::support::{TERM, claim, created, host, read_all, record, seqs, session, updates};

suite! {
    a_claim_fences_off_the_host_before_it,
    two_hosts_never_both_append,
    a_session_is_held_until_its_host_gives_it_up_or_its_lease_runs_out,
    a_host_that_is_late_keeps_what_nobody_has_taken_and_learns_what_is_lost,
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

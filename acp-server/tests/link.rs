//! The driver over an in-memory pair: order, bounds, closing.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use acp_server::proto::{CloseReason, Event, ResponseError};
use acp_server::transport::{Lines, memory};
use acp_server::{Config, TryError, start};
use acp_types::RawBuf;
use bytes::Bytes;
use futures_util::FutureExt;
use support::{events, within};
use tokio::io::AsyncWriteExt;

fn raw(text: &str) -> RawBuf {
    RawBuf::parse(text).unwrap()
}

#[tokio::test]
async fn an_answer_keeps_its_place_among_notifications() {
    let (left, right) = memory::pair(4);
    let (client, mut heard) = events(start(left, Config::default()));
    let (agent, mut asked) = events(start(right, Config::default()));

    let key = client.request("session/prompt", raw("{}")).await.unwrap();
    let Some(Event::Request(request)) = asked.next().await else { panic!("no request") };
    assert_eq!(request.method(), "session/prompt");
    for number in 0..10 {
        agent.notify("session/update", raw(&format!("[{number}]"))).await.unwrap();
    }
    agent.respond(request.id().clone(), Ok(raw("\"done\""))).await.unwrap();
    agent.notify("session/update", raw("[10]")).await.unwrap();

    for number in 0..10 {
        let Some(Event::Notification(update)) = heard.next().await else { panic!("no update {number}") };
        assert_eq!(update.params().unwrap().as_str(), format!("[{number}]"));
    }
    let Some(Event::Response { key: answered, outcome: Ok(payload), .. }) = heard.next().await else {
        panic!("no answer")
    };
    assert_eq!((answered, payload.raw().as_str()), (key, "\"done\""));
    assert!(matches!(heard.next().await, Some(Event::Notification(_))));
}

#[tokio::test]
async fn closing_fails_what_is_open_and_delivers_what_was_sent() {
    let (left, right) = memory::pair(4);
    let (client, mut heard) = events(start(left, Config::default()));
    let (agent, mut asked) = events(start(right, Config::default()));

    let key = client.request("a", raw("{}")).await.unwrap();
    assert!(matches!(asked.next().await, Some(Event::Request(_))));
    for _ in 0..100 {
        agent.notify("b", raw("{}")).await.unwrap();
    }
    agent.close().await;
    assert!(matches!(asked.next().await, Some(Event::Closed(CloseReason::Local))));
    assert!(asked.next().await.is_none());
    for _ in 0..100 {
        assert!(matches!(heard.next().await, Some(Event::Notification(_))));
    }
    let Some(Event::Response { key: failed, outcome: Err(ResponseError::Closed), .. }) = heard.next().await else {
        panic!("the request has no outcome")
    };
    assert_eq!(failed, key);
    assert!(matches!(heard.next().await, Some(Event::Closed(CloseReason::Peer))));
    drop(client);
    assert!(heard.next().await.is_none());
    within("the end of the agent's task", agent.finished()).await;
    assert!(agent.notify("b", raw("{}")).await.is_err());
}

#[tokio::test]
async fn requests_can_still_be_answered_after_the_peer_has_said_all() {
    let (left, right) = memory::pair(4);
    let client = start(left, Config::default());
    let (agent, mut asked) = events(start(right, Config::default()));
    client.outbox.request("a", raw("{}")).await.unwrap();
    let Some(Event::Request(request)) = asked.next().await else { panic!("no request") };
    // Dropping the outbox alone does not close: the answer is still wanted.
    let acp_server::Link { outbox, inbox } = client;
    drop(outbox);
    agent.respond(request.id().clone(), Ok(raw("1"))).await.unwrap();
    let mut heard = support::Events::new(inbox);
    assert!(matches!(heard.next().await, Some(Event::Response { outcome: Ok(_), .. })));
}

#[tokio::test]
async fn a_peer_that_reads_nothing_stops_the_sender_within_the_bounds() {
    let (left, _unread) = memory::pair(1);
    let link = start(left, Config::default());
    let frame = Bytes::from(vec![b' '; 1000]);
    let mut taken = 0;
    // The driver takes what it can in between; the bounds are those of the queue and of the two stages behind it.
    within("back-pressure", async {
        let mut idle = 0;
        while idle < 1000 {
            match link.outbox.try_frames(vec![frame.clone()]) {
                Ok(()) => (taken, idle) = (taken + 1, 0),
                Err((TryError::Full, _)) => idle += 1,
                Err((error, _)) => panic!("{error}"),
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!((1000..1100).contains(&taken), "{taken} kB were taken");
}

#[tokio::test]
async fn an_application_that_takes_nothing_stops_the_peer_within_the_bounds() {
    let (left, right) = memory::pair(1);
    let sender = start(left, Config::default());
    let receiver = start(right, Config::default());
    let frame = Bytes::from_static(br#"{"jsonrpc":"2.0","method":"a","params":{}}"#);
    let mut sent = 0;
    within("back-pressure", async {
        let mut idle = 0;
        while idle < 1000 {
            match sender.outbox.try_frames(vec![frame.clone()]) {
                Ok(()) => (sent, idle) = (sent + 1, 0),
                Err(_) => idle += 1,
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(sent < 12_000, "{sent} messages were taken");

    drop(sender);
    let mut heard = support::Events::new(receiver.inbox);
    let mut seen = 0;
    while let Some(Event::Notification(_)) = heard.next().await {
        seen += 1;
    }
    assert_eq!(seen, sent, "nothing may be lost");
}

#[tokio::test]
async fn two_peers_that_both_write_a_lot_do_not_block_each_other() {
    let (left, right) = memory::pair(1);
    let sides = [start(left, Config::default()), start(right, Config::default())];
    let big = Bytes::from(format!(r#"{{"jsonrpc":"2.0","method":"a","params":["{}"]}}"#, "x".repeat(3 * 1024 * 1024)));
    let sides = sides.map(|link| {
        let big = big.clone();
        let (outbox, mut heard) = events(link);
        tokio::spawn(async move {
            let writer = outbox.clone();
            let send = async move {
                for _ in 0..20 {
                    writer.frames(vec![big.clone()]).await.unwrap();
                }
            };
            let receive = async {
                for _ in 0..20 {
                    assert!(matches!(heard.next().await, Some(Event::Notification(_))));
                }
            };
            tokio::join!(send, receive);
            (outbox, heard)
        })
    });
    for side in sides {
        within("both sides to be through", side).await.unwrap();
    }
}

#[tokio::test]
async fn flushed_means_that_it_has_left() {
    let (left, right) = memory::pair(1000);
    let link = start(left, Config::default());
    for _ in 0..500 {
        link.outbox.notify("a", raw("{}")).await.unwrap();
    }
    within("the flush", link.outbox.flushed()).await.unwrap();
    drop(link);
    let mut heard = support::Events::new(start(right, Config::default()).inbox);
    for _ in 0..500 {
        assert!(matches!(heard.next().await, Some(Event::Notification(_))));
    }
}

#[tokio::test]
async fn a_peer_that_sends_nonsense_and_reads_no_answer_is_not_read_without_end() {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (reader, writer) = tokio::io::split(ours);
    let (_outbox, mut heard) = events(start(Lines::new(reader, writer), Config::default()));
    // The application takes everything, so only the unread answers can stop the peer.
    let taken = tokio::spawn(async move { while heard.next().await.is_some() {} });
    let (_unread, mut peer) = tokio::io::split(theirs);
    let (mut sent, mut refused) = (0, 0);
    within("back-pressure", async {
        while refused < 1000 {
            match peer.write(b"nonsense\n").now_or_never() {
                Some(written) => (sent, refused) = (sent + written.unwrap(), 0),
                None => refused += 1,
            }
            assert!(sent < 4 * 1024 * 1024, "no end of it");
            tokio::task::yield_now().await;
        }
    })
    .await;
    taken.abort();
}

/// Sends until nothing more is taken.
async fn fill(outbox: &acp_server::Outbox) {
    let mut refused = 0;
    while refused < 1000 {
        refused = if outbox.try_notify("n", raw("{}")).is_ok() { 0 } else { refused + 1 };
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn closing_does_not_wait_for_a_peer_that_reads_nothing() {
    let (left, _unread) = memory::pair(1);
    let (outbox, mut heard) = events(start(left, Config::default()));
    fill(&outbox).await;
    let blocked = outbox.clone();
    let blocked = tokio::spawn(async move { blocked.notify("n", raw("{}")).await });
    within("the close", outbox.close()).await;
    within("the end", outbox.finished()).await;
    assert!(within("the blocked sender", blocked).await.unwrap().is_err());
    assert!(matches!(heard.next().await, Some(Event::Closed(CloseReason::Local))));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_nobody_wants_does_not_wait_for_a_peer_that_reads_nothing() {
    let (ours, mut peer) = tokio::io::duplex(1024);
    let (reader, writer) = tokio::io::split(ours);
    let link = start(Lines::new(reader, writer), Config::default());
    fill(&link.outbox).await;
    drop(link);
    // Nobody reads what the peer writes; it is stuck until the other end is gone.
    let written = within("the end", peer.write_all(&[b' '; 1024 * 1024])).await;
    assert_eq!(written.unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
}

//! Subscriptions of the session API: once and in order whatever happens, and cheap for everybody else.

use std::sync::Arc;
use std::time::Duration;

use crate::support::World;
use acp_bridge::log::Signals;
use acp_types::api::jsonrpsee::core::client::{Client, Error};
use acp_types::api::{self, Details, Event, Follow, FollowError, SessionApiClient};
use acp_types::record::{Kind, Seq};
use acp_types::{RawBuf, SessionId};
use serde_json::json;

const DEADLINE: Duration = Duration::from_secs(60);

async fn connect(address: &str) -> Arc<Client> {
    Arc::new(api::connect(&format!("http://{address}")).await.expect("a bridge"))
}

fn session_in(world: &World) -> SessionId {
    world.runtime.block_on(async {
        let client = connect(&world.address).await;
        client.session_create("/w".into(), None, None, None, None).await.expect("a session").session
    })
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("in time: {what}"))
}

#[test]
fn history_comes_first_then_the_mark_then_what_is_live() {
    let world = World::start();
    let session = session_in(&world);
    world.chunk(session.as_str(), None, "old");
    let client = world.runtime.block_on(connect(&world.address));
    let mut subscription = world.runtime.block_on(client.session_subscribe(session.clone(), Some(2), None)).unwrap();
    let mut next = || world.runtime.block_on(async { within("an event", subscription.next()).await.unwrap().unwrap() });
    let Event::Records(records) = next() else { panic!("history first") };
    assert_eq!(records.iter().map(|record| record.seq).collect::<Vec<_>>(), [3, 4]);
    assert!(records[1].body.as_str().contains("old") && records[1].kind == Kind::Update);
    let Event::CaughtUp(mark) = next() else { panic!("then the mark") };
    assert_eq!(mark.seq, 4);
    world.chunk(session.as_str(), None, "new");
    let Event::Records(records) = next() else { panic!("then live") };
    assert_eq!((records[0].seq, records.len()), (5, 1));
}

#[test]
fn at_the_head_the_mark_comes_at_once() {
    let world = World::start();
    let session = session_in(&world);
    world.runtime.block_on(async {
        let client = connect(&world.address).await;
        let mut subscription = client.session_subscribe(session, Some(3), None).await.unwrap();
        assert!(
            matches!(within("the mark", subscription.next()).await, Some(Ok(Event::CaughtUp(mark))) if mark.seq == 3)
        );
    });
}

#[test]
fn clients_that_drop_and_come_back_under_a_fast_writer_miss_nothing_and_get_nothing_twice() {
    const COUNT: usize = 20_000;
    let world = World::start();
    let session = session_in(&world);
    let last = 3 + COUNT as Seq;
    let readers: Vec<_> = (0..4_usize)
        .map(|reader| {
            let (address, session) = (world.address.clone(), session.clone());
            world.runtime.spawn(async move {
                let (mut cursor, mut connections) = (0, 0);
                while cursor < last {
                    connections += 1;
                    let client = connect(&address).await;
                    let mut follow = Follow::new(client, session.clone(), cursor);
                    // A different number of events each time, none some times.
                    for _ in 0..(connections * 7 + reader * 3) % 11 {
                        // `Follow` itself fails on a gap or a repetition.
                        within("an event", follow.next()).await.unwrap();
                        if follow.cursor() >= last {
                            break;
                        }
                    }
                    cursor = follow.cursor();
                }
                connections
            })
        })
        .collect();
    let flood = world.flood(session.as_str(), None, COUNT, 10);
    world.runtime.block_on(async {
        flood.await.unwrap();
        for reader in readers {
            assert!(within("a reader", reader).await.unwrap() > 1);
        }
    });
}

#[test]
fn a_client_that_stops_reading_is_not_read_for_and_others_go_on() {
    const COUNT: usize = 60_000;
    /// What the operating system may hold for one stalled connection, and what the gateway may.
    const KERNEL: usize = 16 << 20;
    const GATEWAY: usize = 1 << 20;
    let world = World::start();
    let session = session_in(&world);
    let subscribed = || {
        let mut client = crate::support::Client::connect_to(&world.address, api::PATH);
        client.request("session_subscribe", &json!({ "session": session, "after": 0 }));
        client
    };
    let (mut fast, mut stalled) = (subscribed(), subscribed());
    let flood = world.flood(session.as_str(), None, COUNT, 1000);
    let bytes = read_to(&mut fast, 3 + COUNT as Seq);
    world.runtime.block_on(flood).unwrap();
    let for_stalled = world.log.bytes_read().saturating_sub(bytes);
    assert!(for_stalled < KERNEL + GATEWAY, "{for_stalled} bytes were read for a client that takes none");
    // It is still heard while it does not read.
    stalled.request("session_cancel", &json!({ "session": session }));
    world.command("stop", |command| matches!(command, acp_bridge::session::Command::Cancel { .. }));
    let later = read_to(&mut stalled, 3 + COUNT as Seq);
    assert_eq!(later, bytes, "then it gets everything");
}

/// Reads events up to a seq, each record once and in order; bytes of their bodies.
fn read_to(client: &mut crate::support::Client, last: Seq) -> usize {
    let (mut cursor, mut bytes) = (0, 0);
    while cursor < last {
        let message = client.next();
        for record in message["params"]["result"]["records"].as_array().into_iter().flatten() {
            assert_eq!(record["seq"], cursor + 1);
            cursor += 1;
            bytes += record["body"].to_string().len();
        }
    }
    bytes
}

#[test]
fn the_last_event_says_that_the_session_was_deleted() {
    let world = World::start();
    let session = session_in(&world);
    world.runtime.block_on(async {
        let client = connect(&world.address).await;
        let mut follow = Follow::new(Arc::clone(&client), session.clone(), 3);
        assert!(matches!(follow.next().await, Ok(Event::CaughtUp(_))));
        client.session_delete(session.clone()).await.unwrap();
        let Err(FollowError::Closed(closed)) = within("the end", follow.next()).await else { panic!() };
        assert_eq!((closed.code, closed.data.session_id, closed.stopping), (-32002, Some(session), false));
    });
}

#[test]
fn a_log_that_cannot_be_written_is_an_event_and_the_subscription_goes_on() {
    let world = World::start();
    let session = session_in(&world);
    world.runtime.block_on(async {
        let mut follow = Follow::new(connect(&world.address).await, session.clone(), 3);
        assert!(matches!(follow.next().await, Ok(Event::CaughtUp(_))));
        world.log.fault(&session, "the disk is full").await;
        let Ok(Event::Fault(fault)) = within("the fault", follow.next()).await else { panic!() };
        assert_eq!(fault.reason, "the disk is full");
        world
            .host
            .updates(&session, None, acp_types::record::Origin::Agent, "agent_message_chunk", &["x".into()])
            .await;
        assert!(matches!(within("a record", follow.next()).await, Ok(Event::Records(records)) if records[0].seq == 4));
    });
}

#[test]
fn subscriptions_of_one_connection_have_a_limit_and_end_one_by_one() {
    let world = World::start();
    let session = session_in(&world);
    world.runtime.block_on(async {
        let client = connect(&world.address).await;
        let mut subscriptions = Vec::new();
        for _ in 0..64 {
            subscriptions.push(client.session_subscribe(session.clone(), Some(3), None).await.unwrap());
        }
        let Err(Error::Call(error)) = client.session_subscribe(session.clone(), Some(3), None).await else { panic!() };
        assert_eq!((error.code(), Details::of(&error).limit), (-32603, Some(64)));
        subscriptions.pop().unwrap().unsubscribe().await.unwrap();
        // The client library does not wait for the answer, but calls are taken in order.
        let again = async {
            loop {
                if let Ok(subscription) = client.session_subscribe(session.clone(), Some(3), None).await {
                    return subscription;
                }
            }
        };
        within("room for another", again).await;
    });
}

#[test]
fn at_shutdown_a_client_gets_what_is_committed_and_the_reason() {
    let mut world = World::start();
    let session = session_in(&world);
    let client = world.runtime.block_on(connect(&world.address));
    let mut follow = Follow::new(Arc::clone(&client), session.clone(), 0);
    world.runtime.block_on(follow.next()).unwrap();
    let turn = world.runtime.block_on(async {
        let prompt = RawBuf::parse("[]").unwrap();
        client.session_prompt(session.clone(), prompt, None, None, None, None).await.unwrap().turn
    });
    let waiting = {
        let (client, session) = (Arc::clone(&client), session.clone());
        world.runtime.spawn(async move { client.session_wait(session, turn, None).await })
    };
    world.runtime.block_on(world.runtime.spawn(world.flood(session.as_str(), None, 1000, 10))).unwrap().unwrap();
    world.stop();
    let closed = world.runtime.block_on(async {
        loop {
            match within("the end", follow.next()).await {
                Ok(_) => {}
                Err(FollowError::Closed(closed)) => return closed,
                Err(other) => panic!("{other}"),
            }
        }
    });
    assert!(closed.stopping && follow.cursor() >= 1003, "{closed:?} at {}", follow.cursor());
    let waited = world.runtime.block_on(waiting).unwrap();
    assert!(matches!(waited, Err(Error::Call(error)) if error.message().contains("stopping")));
    assert!(world.stopped() < Duration::from_secs(4));
}

#[test]
fn a_client_that_takes_nothing_does_not_hold_up_the_shutdown() {
    let mut config = acp_bridge::gateway::Config::default();
    config.drain = Duration::from_millis(300);
    let mut world = World::with(config);
    let session = session_in(&world);
    let mut stalled = crate::support::Client::connect_to(&world.address, api::PATH);
    stalled.request("session_subscribe", &json!({ "session": session }));
    let flood = world.flood(session.as_str(), None, 40_000, 1000);
    world.runtime.block_on(flood).unwrap();
    world.stop();
    assert!(world.stopped() < Duration::from_secs(10));
}

#[test]
fn a_connection_that_is_gone_makes_room_for_another_whatever_it_subscribed_to() {
    let mut config = acp_bridge::gateway::Config::default();
    config.max_connections = 1;
    let world = World::with(config);
    let url = format!("http://{}", world.address);
    world.runtime.block_on(async {
        let client = connect(&world.address).await;
        let session = client.session_create("/w".into(), None, None, None, None).await.unwrap().session;
        let mut follow = Follow::new(client, session.clone(), 3);
        follow.next().await.unwrap();
        let refused = api::connect(&url).await.unwrap_err().to_string();
        assert!(refused.contains("503"), "{refused}");
        drop(follow);
        let again = async {
            loop {
                if let Ok(client) = api::connect(&url).await {
                    return client;
                }
            }
        };
        let client = within("room for another connection", again).await;
        assert_eq!(client.session_get(session).await.unwrap().info.head, 3);
    });
}

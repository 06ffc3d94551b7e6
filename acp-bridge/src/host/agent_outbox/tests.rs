use std::future::poll_fn;

use acp_server::codec::Input;
use acp_server::transport::memory::{self, MemoryReader, MemoryWriter};
use acp_server::transport::{FrameReader, Transport};
use acp_server::{Config, Inbox, Outbox};
use acp_types::{Raw, RawBuf};

use super::*;

/// An agent that reads only when it is told to, behind a connection that holds one message, and one that it writes.
struct Agent {
    outbox: Outbox,
    reader: MemoryReader,
    /// An agent that closes these is gone, and then everything counts as taken.
    _open: (Inbox, MemoryWriter),
}

fn agent() -> Agent {
    let (ours, theirs) = memory::pair(1);
    let mut config = Config::default();
    config.outbox_messages = 1;
    config.outbox_bytes = 1;
    let acp_server::Link { outbox, inbox } = acp_server::start(ours, config);
    let (reader, writer) = theirs.split(1 << 20);
    Agent { outbox, reader, _open: (inbox, writer) }
}

fn call(outbox: &Outbox) -> (RequestKey, QueuedMessage) {
    let (outbox, key) = (outbox.clone(), outbox.reserve_key());
    let sending = async move { outbox.request_as(key, "_call", RawBuf::from(Raw::EMPTY_OBJECT)).await };
    (key, QueuedMessage::new("_call".into(), Some(key), 2, sending))
}

/// Reads so many messages and gives their ids.
async fn read(reader: &mut MemoryReader, queue: &mut AgentOutbox, wanted: usize) -> Vec<String> {
    let mut inputs = Vec::new();
    while inputs.len() < wanted {
        tokio::select! {
            dropped = poll_fn(|context| queue.poll(context)) => panic!("{dropped:?}"),
            read = reader.read(&mut inputs) => drop(read.unwrap()),
        }
    }
    let id = |input| match input {
        Input::Frame(frame) => serde_json::from_slice::<serde_json::Value>(&frame).unwrap()["id"].to_string(),
        Input::Refused(refusal) => panic!("{refusal:?}"),
    };
    inputs.into_iter().map(id).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_read_late_arrives_as_a_whole_and_in_order() {
    let Agent { outbox, mut reader, _open } = agent();
    let mut queue = AgentOutbox::default();
    for _ in 0..20 {
        assert_eq!(queue.send(call(&outbox).1), Ok(()));
    }
    tokio::time::sleep(AGENT_READS / 2).await;
    let ids = read(&mut reader, &mut queue, 20).await;
    let expected: Vec<_> = (1..=20).map(|id| id.to_string()).collect();
    assert_eq!(ids, expected);
}

#[tokio::test(start_paused = true)]
async fn each_message_that_is_not_read_has_its_own_time() {
    let Agent { outbox, reader: _reader, _open } = agent();
    let mut queue = AgentOutbox::default();
    let began = tokio::time::Instant::now();
    let mut keys = Vec::new();
    for _ in 0..10 {
        let (key, message) = call(&outbox);
        queue.send(message).unwrap();
        keys.push(key);
    }
    // The connection holds a few, which the agent gets should it ever read.
    let mut dropped = Vec::new();
    tokio::time::timeout(AGENT_READS / 2, poll_fn(|context| queue.poll(context))).await.unwrap_err();
    let early = queue.waiting.len();
    let (late, message) = call(&outbox);
    queue.send(message).unwrap();
    while dropped.len() < early {
        dropped.push(poll_fn(|context| queue.poll(context)).await.key.unwrap());
    }
    assert_eq!(began.elapsed(), AGENT_READS);
    assert!(early >= 5, "{early}");
    assert_eq!(dropped, keys[10 - early..]);
    assert_eq!(poll_fn(|context| queue.poll(context)).await.key, Some(late));
    assert_eq!(began.elapsed(), AGENT_READS * 3 / 2);
    assert_eq!(queue.bytes, 0);
}

#[tokio::test(start_paused = true)]
async fn what_there_is_no_room_for_is_refused_at_once() {
    let Agent { outbox, reader: _reader, _open } = agent();
    let mut queue = AgentOutbox::default();
    let refused = (0..2 * MAX_WAITING).find_map(|_| queue.send(call(&outbox).1).err());
    assert!(refused.is_some_and(|dropped| dropped.key.is_some()));
    assert_eq!(queue.waiting.len(), MAX_WAITING);
    queue = AgentOutbox::default();
    let text = RawBuf::encode(&["x".repeat(MAX_BYTES / 4)]).unwrap();
    let big = || {
        let (outbox, text) = (outbox.clone(), text.clone());
        QueuedMessage::new("_big".into(), None, MAX_BYTES / 4, async move { outbox.notify("_big", text).await })
    };
    let refused = (0..9).find_map(|_| queue.send(big()).err());
    assert_eq!(refused, Some(Dropped { key: None }));
    assert!(queue.bytes <= MAX_BYTES);
}

#[tokio::test(start_paused = true)]
async fn a_closed_connection_takes_everything() {
    let Agent { outbox, reader, _open } = agent();
    drop(reader);
    outbox.close().await;
    let mut queue = AgentOutbox::default();
    assert_eq!(queue.send(call(&outbox).1), Ok(()));
    assert!(queue.waiting.is_empty());
}

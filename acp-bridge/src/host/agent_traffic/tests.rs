use acp_server::proto::{Connection, Event, Limits};
use bytes::Bytes;

use super::{BYTES, EVENTS, Receipt, portion};

/// Events of notifications whose numbers are `0..count`, each with so many bytes more.
fn batch(count: usize, more: usize) -> Vec<Event> {
    let mut connection = Connection::new(Limits::default());
    for number in 0..count {
        let frame =
            format!(r#"{{"jsonrpc":"2.0","method":"_n","params":{{"n":{number},"x":"{}"}}}}"#, "x".repeat(more));
        connection.receive(Bytes::from(frame));
    }
    let mut events = Vec::new();
    connection.take_events(&mut events);
    events
}

/// The portions in which these events are taken.
fn portions(batch: &[Event]) -> Vec<usize> {
    let mut left = batch;
    let next = || {
        let count = portion(left);
        left = &left[count..];
        (count > 0).then_some(count)
    };
    std::iter::from_fn(next).collect()
}

#[test]
fn a_long_batch_comes_in_bounded_portions() {
    assert_eq!(portions(&batch(3 * EVENTS - 1, 0)), [EVENTS, EVENTS, EVENTS - 1]);
}

#[test]
fn long_messages_come_in_portions_of_bounded_bytes() {
    assert_eq!(portions(&batch(8, BYTES / 4)), [3, 3, 2]);
}

#[test]
fn a_message_beyond_the_bound_comes_alone() {
    assert_eq!(portions(&batch(2, 2 * BYTES)), [1, 1]);
}

#[test]
fn nothing_said_is_no_portion() {
    assert!(portions(&[]).is_empty());
}

#[test]
fn what_an_agent_said_is_settled_once() {
    let mut receipt = Receipt { heard: 2, settled: 0 };
    assert_eq!(receipt.unsettled(), Some(2), "what opened its session");
    receipt.hear(5);
    receipt.hear(4);
    assert_eq!(receipt.unsettled(), Some(5));
    assert!(receipt.settle(5) && !receipt.settle(5) && !receipt.settle(3));
    assert_eq!(receipt.unsettled(), None);
}

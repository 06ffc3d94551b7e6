//! What an agent has said and its session has not taken yet.

use std::vec::IntoIter;

use acp_server::proto::Event;

/// Events that are taken at once, and bytes of them unless one event has more. They become one commit, and a command
/// waits for the commits that run: this bounds how long a cancel takes to reach an agent that writes as fast as it can.
/// Fewer would cost throughput, since each commit has its price.
const EVENTS: usize = 384;
const BYTES: usize = 192 * 1024;

/// One batch of an agent's inbox, given out in portions.
#[derive(Debug, Default)]
pub(super) struct EventBatch {
    left: IntoIter<Event>,
}

impl EventBatch {
    /// Holds a batch.
    pub(super) fn new(batch: Vec<Event>) -> Self {
        Self { left: batch.into_iter() }
    }

    /// The next events, oldest first; `None` when all are given out.
    pub(super) fn next_portion(&mut self) -> Option<Vec<Event>> {
        let mut bytes = 0;
        let fit = self.left.as_slice().iter().take(EVENTS).take_while(|event| {
            let first = bytes == 0;
            bytes += event.weight();
            first || bytes <= BYTES
        });
        let count = fit.count();
        (count > 0).then(|| self.left.by_ref().take(count).collect())
    }
}

#[cfg(test)]
mod tests {
    use acp_server::proto::{Connection, Event, Limits};
    use bytes::Bytes;

    use super::{BYTES, EVENTS, EventBatch};

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

    fn number(event: &Event) -> usize {
        let Event::Notification(notification) = event else { panic!("{event:?}") };
        notification.params().and_then(|params| params.member("n")?.decode().ok()).unwrap()
    }

    fn portions(batch: Vec<Event>) -> Vec<Vec<usize>> {
        let mut batch = EventBatch::new(batch);
        std::iter::from_fn(|| batch.next_portion()).map(|portion| portion.iter().map(number).collect()).collect()
    }

    #[test]
    fn a_long_batch_comes_in_bounded_portions_and_in_order() {
        let portions = portions(batch(3 * EVENTS - 1, 0));
        assert_eq!(portions.iter().map(Vec::len).collect::<Vec<_>>(), [EVENTS, EVENTS, EVENTS - 1]);
        assert!(portions.concat().into_iter().eq(0..3 * EVENTS - 1));
    }

    #[test]
    fn long_messages_come_in_portions_of_bounded_bytes() {
        let portions = portions(batch(8, BYTES / 4));
        assert_eq!(portions.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 2]);
    }

    #[test]
    fn a_message_beyond_the_bound_comes_alone() {
        let portions = portions(batch(2, 2 * BYTES));
        assert_eq!(portions, [[0], [1]]);
    }

    #[test]
    fn nothing_said_is_no_portion() {
        assert!(portions(Vec::new()).is_empty());
    }
}

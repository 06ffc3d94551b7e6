//! Events of the peer, on their way to the application.

use tokio::sync::mpsc;

use crate::config::Config;
use crate::proto::{Connection, Event};

/// Events that wait for the inbox, and the inbox.
#[derive(Debug)]
pub(super) struct Delivery {
    /// `None` once the application has dropped the inbox: it wants no events.
    batches: Option<mpsc::Sender<Vec<Event>>>,
    events: Vec<Event>,
    bytes: usize,
}

impl Delivery {
    pub(super) fn new(batches: mpsc::Sender<Vec<Event>>) -> Self {
        Self { batches: Some(batches), events: Vec::new(), bytes: 0 }
    }

    /// Returns whether the application still takes events.
    pub(super) fn is_open(&self) -> bool {
        self.batches.is_some()
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.is_open() && !self.events.is_empty()
    }

    /// Returns whether more may be read for the application.
    pub(super) fn has_room(&self, config: &Config) -> bool {
        self.is_open() && self.events.len() < config.inbox_events && self.bytes < config.inbox_bytes
    }

    /// Takes what the connection has to report. With `noise`, what is only that goes there instead: the application is not
    /// woken for it.
    pub(super) fn collect(&mut self, connection: &mut Connection, noise: Option<impl FnMut(&Event) -> bool>) {
        let before = self.events.len();
        connection.take_events(&mut self.events);
        if let Some(mut is_noise) = noise
            && self.events.len() > before
        {
            let mut at = 0;
            self.events.retain(|event| {
                at += 1;
                at <= before || !is_noise(event)
            });
        }
        if self.is_open() {
            self.bytes += self.events[before..].iter().map(Event::weight).sum::<usize>();
        } else {
            self.events.clear();
        }
    }

    /// An event of this side, behind all that the connection has reported so far.
    pub(super) fn report(&mut self, connection: &mut Connection, event: Event) {
        self.collect(connection, None::<fn(&Event) -> bool>);
        self.bytes += event.weight();
        self.events.push(event);
    }

    /// Waits until the inbox takes a batch, if there is one, or is dropped. Cancel-safe.
    pub(super) async fn deliver(&mut self) {
        let Some(batches) = &self.batches else { return std::future::pending().await };
        if self.events.is_empty() {
            batches.closed().await;
        } else if let Ok(permit) = batches.reserve().await {
            permit.send(std::mem::take(&mut self.events));
            self.bytes = 0;
            return;
        }
        *self = Self { batches: None, events: Vec::new(), bytes: 0 };
    }

    /// The last batch.
    pub(super) async fn finish(mut self, mut connection: Connection) {
        self.collect(&mut connection, None::<fn(&Event) -> bool>);
        if let Some(batches) = self.batches
            && !self.events.is_empty()
        {
            // An inbox that is gone wants no events.
            let _ = batches.send(self.events).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::FutureExt;

    use super::*;
    use crate::proto::Limits;

    const NO_NOISE: Option<fn(&Event) -> bool> = None;

    fn connection(notifications: usize) -> Connection {
        let mut connection = Connection::new(Limits::default());
        for _ in 0..notifications {
            connection.receive(Bytes::from_static(br#"{"jsonrpc":"2.0","method":"m"}"#));
        }
        connection
    }

    #[test]
    fn events_wait_until_the_inbox_takes_them_all_at_once() {
        let (batches, mut inbox) = mpsc::channel(1);
        let mut delivery = Delivery::new(batches);
        let config = Config { inbox_events: 3, ..Config::default() };
        delivery.collect(&mut connection(2), NO_NOISE);
        assert!(delivery.is_waiting() && delivery.has_room(&config));
        assert_eq!(delivery.deliver().now_or_never(), Some(()));
        assert!(!delivery.is_waiting());
        delivery.collect(&mut connection(3), NO_NOISE);
        assert!(!delivery.has_room(&config));
        assert_eq!(delivery.deliver().now_or_never(), None, "the first batch is not taken");
        assert_eq!(inbox.try_recv().unwrap().len(), 2);
        assert_eq!(delivery.deliver().now_or_never(), Some(()));
        assert_eq!(inbox.try_recv().unwrap().len(), 3);
        assert!(delivery.has_room(&config));
    }

    #[test]
    fn an_inbox_that_is_dropped_wants_no_more_events() {
        let (batches, inbox) = mpsc::channel(1);
        let mut delivery = Delivery::new(batches);
        assert_eq!(delivery.deliver().now_or_never(), None);
        drop(inbox);
        assert_eq!(delivery.deliver().now_or_never(), Some(()));
        assert!(!delivery.is_open() && !delivery.has_room(&Config::default()));
        delivery.collect(&mut connection(2), NO_NOISE);
        assert!(!delivery.is_waiting());
    }

    #[test]
    fn what_is_noise_reaches_the_transport_and_not_the_application() {
        let (batches, _inbox) = mpsc::channel(1);
        let mut delivery = Delivery::new(batches);
        delivery.collect(&mut connection(1), NO_NOISE);
        let mut noise = 0;
        let hear = |_: &Event| {
            noise += 1;
            true
        };
        delivery.collect(&mut connection(2), Some(hear));
        assert_eq!((noise, delivery.events.len()), (2, 1), "what was there before is none");
    }
}

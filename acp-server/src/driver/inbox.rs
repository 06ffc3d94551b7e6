//! The queue of what the peer does: the task puts events in, the application takes all that are there.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use crate::config::Config;
use crate::proto::{Connection, Event};

/// Receives everything that the peer does, in the order in which it did it: requests, notifications and the answers to
/// our requests.
///
/// While events are not taken, a bounded number of them waits and then reading stops: the peer has to wait.
#[derive(Debug)]
pub struct Inbox {
    queue: Arc<Queue>,
}

/// The task's end of an inbox.
#[derive(Debug)]
pub(super) struct Delivery {
    queue: Arc<Queue>,
}

/// Room of an inbox for what the peer does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Room for more.
    Free,
    /// No room: as much waits as the bounds allow.
    Full,
    /// No inbox: the application has dropped it and wants no events.
    Gone,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    /// Events were taken that the task waited for, or the inbox is gone.
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    events: Vec<Event>,
    bytes: usize,
    /// Waker of the application, which waits for events.
    waits: Option<Waker>,
    /// The task reads on once there is room.
    blocked: bool,
    /// The application has dropped the inbox.
    gone: bool,
    /// The task has put in its last event.
    ended: bool,
}

/// A new queue: both of its ends.
pub(super) fn queue() -> (Delivery, Inbox) {
    let queue = Arc::new(Queue::default());
    (Delivery { queue: Arc::clone(&queue) }, Inbox { queue })
}

impl Inbox {
    /// Waits for events and takes all that are there, at least one. The last batch ends with [`Event::Closed`]; after
    /// it comes `None`. Dropping the future loses nothing.
    pub async fn next_batch(&mut self) -> Option<Vec<Event>> {
        poll_fn(|context| self.poll_next_batch(context)).await
    }

    /// [`Inbox::next_batch`] for those who poll. Whoever polled last is woken.
    pub fn poll_next_batch(&mut self, context: &mut Context<'_>) -> Poll<Option<Vec<Event>>> {
        let mut waiting = self.queue.lock();
        if !waiting.events.is_empty() {
            waiting.bytes = 0;
            if std::mem::take(&mut waiting.blocked) {
                self.queue.emptied.notify_one();
            }
            return Poll::Ready(Some(std::mem::take(&mut waiting.events)));
        }
        if waiting.ended {
            return Poll::Ready(None);
        }
        match &mut waiting.waits {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let events = {
            let mut waiting = self.queue.lock();
            waiting.gone = true;
            std::mem::take(&mut waiting.events)
        };
        self.queue.emptied.notify_one();
        drop(events);
    }
}

impl Delivery {
    /// The room that there is. After [`Room::Full`], [`Delivery::changed`] tells when there is some again.
    pub(super) fn room(&self, config: &Config) -> Room {
        let mut waiting = self.queue.lock();
        if waiting.gone {
            return Room::Gone;
        }
        // One event always has room, whatever the bounds.
        let empty = waiting.events.is_empty();
        let free = empty || (waiting.events.len() < config.inbox_events && waiting.bytes < config.inbox_bytes);
        waiting.blocked = !free;
        if free { Room::Free } else { Room::Full }
    }

    /// Returns whether the application has dropped the inbox.
    pub(super) fn is_gone(&self) -> bool {
        self.queue.lock().gone
    }

    /// Waits until a full inbox has been emptied, or is gone. It may return earlier. Cancel-safe.
    pub(super) async fn changed(&self) {
        self.queue.emptied.notified().await;
    }

    /// Takes what the connection has to report. With `noise`, what is only that goes there instead: the application is not
    /// woken for it.
    pub(super) fn collect(&self, connection: &mut Connection, noise: Option<impl FnMut(&Event) -> bool>) {
        if connection.has_events() {
            self.put(|events, before| {
                connection.take_events(events);
                let Some(mut is_noise) = noise else { return };
                let mut at = 0;
                events.retain(|event| {
                    at += 1;
                    at <= before || !is_noise(event)
                });
            });
        }
    }

    /// An event of this side, behind all that the connection has reported so far.
    pub(super) fn report(&self, connection: &mut Connection, event: Event) {
        self.put(|events, _| {
            connection.take_events(events);
            events.push(event);
        });
    }

    /// Adds events behind those that wait, of which the closure is told the number.
    fn put(&self, add: impl FnOnce(&mut Vec<Event>, usize)) {
        let mut waiting = self.queue.lock();
        let before = waiting.events.len();
        add(&mut waiting.events, before);
        if waiting.gone {
            waiting.events.clear();
        } else if waiting.events.len() > before {
            waiting.bytes += waiting.events[before..].iter().map(Event::weight).sum::<usize>();
            wake(waiting);
        }
    }
}

impl Drop for Delivery {
    /// Ends the queue: nothing more comes, also when the task was dropped before its end.
    fn drop(&mut self) {
        let mut waiting = self.queue.lock();
        waiting.ended = true;
        wake(waiting);
    }
}

/// Wakes the application, if it waits, without the lock.
fn wake(mut waiting: MutexGuard<'_, Waiting>) {
    let waker = waiting.waits.take();
    drop(waiting);
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // No call leaves it half changed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn taken(inbox: &mut Inbox) -> Option<usize> {
        inbox.next_batch().now_or_never().map(|batch| batch.map_or(0, |events| events.len()))
    }

    #[test]
    fn events_wait_until_the_inbox_takes_them_all_at_once() {
        let (delivery, mut inbox) = queue();
        let config = Config { inbox_events: 3, ..Config::default() };
        assert_eq!(taken(&mut inbox), None);
        delivery.collect(&mut connection(2), NO_NOISE);
        assert_eq!(delivery.room(&config), Room::Free);
        delivery.collect(&mut connection(1), NO_NOISE);
        assert_eq!(delivery.room(&config), Room::Full);
        assert_eq!(delivery.changed().now_or_never(), None);
        assert_eq!(taken(&mut inbox), Some(3));
        assert_eq!(delivery.changed().now_or_never(), Some(()));
        assert_eq!(delivery.room(&config), Room::Free);
    }

    #[test]
    fn a_task_that_has_room_is_not_woken_for_what_is_taken() {
        let (delivery, mut inbox) = queue();
        delivery.collect(&mut connection(2), NO_NOISE);
        assert_eq!(delivery.room(&Config::default()), Room::Free);
        assert_eq!(taken(&mut inbox), Some(2));
        assert_eq!(delivery.changed().now_or_never(), None);
    }

    #[test]
    fn bytes_fill_an_inbox_as_well_as_events_and_one_event_has_room_whatever_the_bounds() {
        let (delivery, mut inbox) = queue();
        let config = Config { inbox_bytes: 1, inbox_events: 0, ..Config::default() };
        assert_eq!(delivery.room(&config), Room::Free);
        delivery.collect(&mut connection(1), NO_NOISE);
        assert_eq!(delivery.room(&config), Room::Full);
        assert_eq!(taken(&mut inbox), Some(1));
        assert_eq!(delivery.room(&config), Room::Free, "what was taken does not count");
    }

    #[test]
    fn an_inbox_that_is_dropped_wants_no_more_events() {
        let (delivery, inbox) = queue();
        delivery.collect(&mut connection(2), NO_NOISE);
        assert_eq!(delivery.changed().now_or_never(), None);
        drop(inbox);
        assert_eq!(delivery.changed().now_or_never(), Some(()));
        assert_eq!(delivery.room(&Config::default()), Room::Gone);
        delivery.collect(&mut connection(2), NO_NOISE);
        assert!(delivery.queue.lock().events.is_empty());
    }

    #[test]
    fn a_task_that_is_gone_leaves_its_events_and_then_nothing_comes() {
        let (delivery, mut inbox) = queue();
        delivery.collect(&mut connection(2), NO_NOISE);
        drop(delivery);
        assert_eq!(taken(&mut inbox), Some(2));
        assert_eq!(taken(&mut inbox), Some(0));
    }

    #[test]
    fn what_is_noise_reaches_the_transport_and_not_the_application() {
        let (delivery, mut inbox) = queue();
        delivery.collect(&mut connection(1), NO_NOISE);
        let mut noise = 0;
        let hear = |_: &Event| {
            noise += 1;
            true
        };
        delivery.collect(&mut connection(2), Some(hear));
        assert_eq!((noise, taken(&mut inbox)), (2, Some(1)), "what was there before is none");
    }
}

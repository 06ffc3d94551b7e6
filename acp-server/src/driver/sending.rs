//! Messages on their way out: those that the connection core has ready, and the batch that is being written.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::sync::{Semaphore, oneshot};

use crate::proto::Connection;

/// Bytes that the connection has ready for the next batch while one is written. Together with the same amount being
/// written they keep a pipe busy; more only costs memory.
const READY: usize = 256 * 1024;
/// Callers that may wait until what is ready has been written.
const FLUSHES: usize = 256;
/// Answers that the connection core made by itself may pile up to this, in bytes. A peer that sends nonsense and does
/// not read what we say to it is not read any further.
const UNREAD_ANSWERS: usize = 1024 * 1024;

/// Messages that have left the outboxes' queue and are not written. Its room in the queue is given back once it is.
#[derive(Debug, Default)]
pub(super) struct Sending {
    /// Frames of the batch that is being written.
    pub(super) batch: VecDeque<Bytes>,
    batch_owes: Owed,
    /// Debt for what the connection core has ready for the next batch.
    ready_owes: Owed,
    /// Bytes among what is ready that the core sends by itself.
    answers: usize,
    /// A ping is to be written.
    ping: bool,
}

/// Debt to the outboxes for frames, due once these are written.
#[derive(Debug, Default)]
struct Owed {
    /// Room of their queue, in bytes.
    credit: usize,
    /// Callers that wait until the frames are out.
    flushes: Vec<oneshot::Sender<()>>,
}

impl Owed {
    fn is_nothing(&self) -> bool {
        self.flushes.is_empty() && self.credit == 0
    }

    fn pay(&mut self, credit: &Semaphore) {
        credit.add_permits(std::mem::take(&mut self.credit));
        for flush in self.flushes.drain(..) {
            // Whoever asked may have lost interest.
            let _ = flush.send(());
        }
    }
}

impl Sending {
    /// Returns whether more may be taken from the outboxes' queue.
    pub(super) fn takes_more(&self, connection: &Connection) -> bool {
        let ready = self.ready_owes.credit.max(connection.outgoing_bytes());
        ready < READY && self.ready_owes.flushes.len() < FLUSHES
    }

    /// Returns whether the peer reads enough of what is said to it to be heard.
    pub(super) fn is_read(&self) -> bool {
        self.answers < UNREAD_ANSWERS
    }

    /// Returns whether there is something to write.
    pub(super) fn wants_to_write(&self) -> bool {
        self.has_batch() || self.ping
    }

    /// Returns whether all is written.
    pub(super) fn is_done(&self, connection: &Connection) -> bool {
        !self.has_batch() && self.ready_owes.is_nothing() && connection.outgoing_bytes() == 0
    }

    /// Takes over all that the connection has ready as the next batch, once the one before is written.
    pub(super) fn next_batch(&mut self, connection: &mut Connection) {
        if !self.has_batch() {
            connection.take_frames(&mut self.batch);
            self.batch_owes = std::mem::take(&mut self.ready_owes);
            self.answers = 0;
        }
    }

    /// Notes a message that was taken from the queue and costs so much there.
    pub(super) fn took(&mut self, credit: u32) {
        self.ready_owes.credit += credit as usize;
    }

    /// Keeps a caller who waits until all that is ready is written.
    pub(super) fn flush(&mut self, done: oneshot::Sender<()>) {
        self.ready_owes.flushes.push(done);
    }

    /// Counts bytes that the core has answered by itself.
    pub(super) fn answered(&mut self, bytes: usize) {
        self.answers += bytes;
    }

    /// Sends a ping with the next write.
    pub(super) fn ping(&mut self) {
        self.ping = true;
    }

    /// Pays for the batch, all of which is out.
    pub(super) fn written(&mut self, credit: &Semaphore) {
        self.ping = false;
        self.batch_owes.pay(credit);
    }

    /// Drops the batch: the peer takes no more. Whoever waits for it is told by the end of its channel.
    pub(super) fn drop_batch(&mut self) {
        self.batch.clear();
        self.batch_owes = Owed::default();
        self.ping = false;
    }

    fn has_batch(&self) -> bool {
        !self.batch.is_empty() || !self.batch_owes.is_nothing()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Limits;

    fn ready(bytes: usize) -> Connection {
        let mut connection = Connection::new(Limits::default());
        connection.forward(Bytes::from(vec![b' '; bytes])).unwrap();
        connection
    }

    #[test]
    fn credit_is_given_back_and_flushes_are_answered_once_all_is_written() {
        let (done, mut wait) = oneshot::channel();
        let mut connection = ready(2);
        let mut sending = Sending::default();
        sending.took(7);
        sending.flush(done);
        assert!(!sending.wants_to_write() && !sending.is_done(&connection));
        sending.next_batch(&mut connection);
        assert_eq!((sending.batch.len(), connection.outgoing_bytes()), (1, 0));
        sending.batch.clear();
        assert!(sending.wants_to_write(), "a batch without frames still owes");
        let credit = Semaphore::new(0);
        assert!(wait.try_recv().is_err());
        sending.written(&credit);
        assert!(sending.is_done(&connection) && !sending.wants_to_write());
        assert_eq!((credit.available_permits(), wait.try_recv()), (7, Ok(())));
    }

    #[test]
    fn a_batch_is_followed_by_the_next_once_it_is_written() {
        let mut sending = Sending::default();
        sending.next_batch(&mut ready(1));
        let mut later = ready(READY);
        sending.next_batch(&mut later);
        assert_eq!(sending.batch.len(), 1);
        assert!(!sending.takes_more(&later), "enough is ready");
        sending.batch.clear();
        sending.next_batch(&mut later);
        assert!(sending.takes_more(&later));
        assert_eq!(sending.batch[0].len(), READY);
    }

    #[test]
    fn what_waits_beside_the_batch_is_bounded_also_if_it_weighs_nothing() {
        let connection = Connection::new(Limits::default());
        let mut sending = Sending::default();
        for _ in 0..FLUSHES {
            assert!(sending.takes_more(&connection));
            sending.flush(oneshot::channel().0);
        }
        assert!(!sending.takes_more(&connection));
    }

    #[test]
    fn a_ping_is_written_by_itself_and_a_peer_that_takes_nothing_gets_none() {
        let mut sending = Sending::default();
        sending.ping();
        assert!(sending.wants_to_write());
        sending.written(&Semaphore::new(0));
        assert!(!sending.wants_to_write());
        sending.ping();
        sending.drop_batch();
        assert!(!sending.wants_to_write());
    }
}

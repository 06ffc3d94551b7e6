//! State of sending: what a connection still sends, and the batch that is being written.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;

use crate::proto::Connection;

/// Sources that this side still sends from. A state is only followed by one below it.
///
/// ```text
/// Open ── closed here, or the last outbox is gone ──> Rest ── the queue is empty ──> Taken
///   └───────────┴──────────── the peer takes no more ──────────────┴───────────────> Broken
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    /// All: the outboxes take messages.
    Open,
    /// Messages that wait in the outboxes' queue, and all below.
    Rest,
    /// Messages that were taken from the queue, and those of the connection core.
    Taken,
    /// Nothing. What the peer still says is heard until then.
    Broken { until: Instant },
}

impl Sending {
    /// Returns whether the outboxes' queue may hold something.
    pub(super) fn takes_commands(self) -> bool {
        matches!(self, Self::Open | Self::Rest)
    }

    pub(super) fn is_broken(self) -> bool {
        matches!(self, Self::Broken { .. })
    }

    /// Nothing more will be put into the queue.
    pub(super) fn no_more(&mut self) {
        if *self == Self::Open {
            *self = Self::Rest;
        }
    }

    /// The queue is empty and stays so.
    pub(super) fn all_taken(&mut self) {
        if self.takes_commands() {
            *self = Self::Taken;
        }
    }
}

/// Debt to the outboxes for frames, due once these are written.
#[derive(Debug, Default)]
pub(super) struct Owed {
    /// Room of their queue, in bytes.
    pub(super) credit: usize,
    /// Whoever waits until the frames are out.
    pub(super) flushes: Vec<oneshot::Sender<()>>,
}

impl Owed {
    pub(super) fn is_nothing(&self) -> bool {
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

/// The batch that is being written.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) frames: VecDeque<Bytes>,
    owed: Owed,
}

impl Batch {
    /// Takes over all that the connection has to send, and what is owed for it. The batch before has to be written.
    pub(super) fn fill(&mut self, connection: &mut Connection, owed: &mut Owed) {
        connection.take_frames(&mut self.frames);
        self.owed = std::mem::take(owed);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.owed.is_nothing()
    }

    /// Pays for the frames, all of which are out.
    pub(super) fn written(&mut self, credit: &Semaphore) {
        self.owed.pay(credit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Limits;

    #[test]
    fn a_state_is_only_followed_by_one_below_it() {
        let mut sending = Sending::Open;
        assert!(sending.takes_commands());
        sending.no_more();
        assert_eq!(sending, Sending::Rest);
        assert!(sending.takes_commands(), "what is queued is still taken");
        sending.all_taken();
        sending.no_more();
        assert_eq!(sending, Sending::Taken);
        let mut broken = Sending::Broken { until: Instant::now() };
        broken.no_more();
        broken.all_taken();
        assert!(broken.is_broken() && !broken.takes_commands());
    }

    #[test]
    fn credit_is_given_back_and_flushes_are_answered_once_all_is_written() {
        let (done, mut wait) = oneshot::channel();
        let mut owed = Owed { credit: 7, flushes: vec![done] };
        let mut connection = Connection::new(Limits::default());
        connection.forward(Bytes::from_static(b"{}")).unwrap();
        let mut batch = Batch::default();
        batch.fill(&mut connection, &mut owed);
        assert!(owed.is_nothing() && connection.outgoing_bytes() == 0);
        assert_eq!((batch.frames.len(), batch.is_empty()), (1, false));
        let credit = Semaphore::new(0);
        batch.frames.clear();
        assert!(!batch.is_empty(), "a batch without frames still owes");
        assert!(wait.try_recv().is_err());
        batch.written(&credit);
        assert!(batch.is_empty());
        assert_eq!((credit.available_permits(), wait.try_recv()), (7, Ok(())));
    }
}

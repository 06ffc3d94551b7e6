//! Life of a connection, from the first message to the last.

use tokio::time::Instant;

/// The state of a connection's task: what it still takes, writes and hears, and until when. A state is only followed by
/// one below it.
///
/// ```text
/// Open ── the last outbox is gone ──────> Listening { queue } ──┐
///   │                                            │              │ nobody hears any more, or closed here
///   │ closed here, or nobody hears any more      │              ▼
///   ├────────────────────────────────────────────┼──> Closing { queue, by } ── all is written, or it is too late ──> end
///   │                                            │              │
///   └────────────────── the peer takes no more, and may have said something ──> Broken { until } ── nothing came ──> end
/// ```
///
/// While it closes, a peer that takes no more is the end at once. The end of the input, or of the transport, is the end in
/// any state but those that still have something to write to a peer which has only stopped sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// An open connection: the outboxes take messages.
    Open,
    /// A connection without outboxes: what they have left is written, and the peer is heard.
    Listening { queue: Queue },
    /// Last words: what is left to say is written until then, and nothing that could still come is waited for.
    Closing { queue: Queue, by: Instant },
    /// A peer that takes nothing: what it has said before it left is heard, until then.
    Broken { until: Instant },
}

/// The outboxes' queue once no outbox can add to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Queue {
    /// A queue that may hold something.
    Filled,
    /// An empty queue, which stays so.
    Empty,
}

impl Life {
    /// Returns whether the outboxes' queue may hold something to write.
    pub(super) fn takes_commands(self) -> bool {
        match self {
            Self::Open => true,
            Self::Listening { queue } | Self::Closing { queue, .. } => queue == Queue::Filled,
            Self::Broken { .. } => false,
        }
    }

    pub(super) fn is_broken(self) -> bool {
        matches!(self, Self::Broken { .. })
    }

    /// Time when the connection ends, whatever is left to write or to hear.
    pub(super) fn deadline(self) -> Option<Instant> {
        match self {
            Self::Open | Self::Listening { .. } => None,
            Self::Closing { by: deadline, .. } | Self::Broken { until: deadline } => Some(deadline),
        }
    }

    /// Notes that the last outbox is gone.
    pub(super) fn released(&mut self) {
        if *self == Self::Open {
            *self = Self::Listening { queue: Queue::Filled };
        }
    }

    /// Begins to close: what is left is all that is said, until then.
    pub(super) fn close(&mut self, by: Instant) {
        match *self {
            Self::Open => *self = Self::Closing { queue: Queue::Filled, by },
            Self::Listening { queue } => *self = Self::Closing { queue, by },
            Self::Closing { .. } | Self::Broken { .. } => {}
        }
    }

    /// Notes that the queue is empty and stays so.
    pub(super) fn all_taken(&mut self) {
        match self {
            Self::Open => *self = Self::Listening { queue: Queue::Empty },
            Self::Listening { queue } | Self::Closing { queue, .. } => *queue = Queue::Empty,
            Self::Broken { .. } => {}
        }
    }

    /// The peer takes no more. What it has said is heard until then, unless the connection closes anyway: then this is the
    /// end, which is returned.
    #[must_use]
    pub(super) fn break_off(&mut self, until: Instant) -> bool {
        let ends = matches!(self, Self::Closing { .. });
        if !ends {
            *self = Self::Broken { until };
        }
        ends
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_state_is_only_followed_by_one_below_it() {
        let now = Instant::now();
        let mut life = Life::Open;
        assert_eq!((life.takes_commands(), life.deadline()), (true, None));
        life.released();
        assert_eq!(life, Life::Listening { queue: Queue::Filled });
        assert!(life.takes_commands(), "what is queued is still taken");
        life.all_taken();
        life.released();
        assert_eq!(life, Life::Listening { queue: Queue::Empty });
        assert_eq!((life.takes_commands(), life.deadline()), (false, None), "the peer is heard as long as it speaks");
        life.close(now);
        life.close(now + Duration::from_secs(1));
        assert_eq!(life, Life::Closing { queue: Queue::Empty, by: now }, "the first deadline stays");
    }

    #[test]
    fn what_waits_in_the_queue_is_taken_while_the_connection_closes() {
        let now = Instant::now();
        let mut life = Life::Open;
        life.close(now);
        life.released();
        assert_eq!((life.takes_commands(), life.deadline()), (true, Some(now)));
        life.all_taken();
        assert!(!life.takes_commands());
    }

    #[test]
    fn a_peer_that_takes_no_more_is_heard_for_a_while_and_not_when_the_connection_closes() {
        let now = Instant::now();
        let mut life = Life::Open;
        assert!(!life.break_off(now));
        life.close(now + Duration::from_secs(1));
        life.all_taken();
        life.released();
        assert!(life.is_broken() && !life.takes_commands());
        assert_eq!(life.deadline(), Some(now));
        let mut life = Life::Closing { queue: Queue::Filled, by: now };
        assert!(life.break_off(now));
    }
}

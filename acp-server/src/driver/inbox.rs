//! Events of the peer, in batches.

use tokio::sync::mpsc;

use crate::proto::Event;

/// Receives everything that the peer does, in the order in which it did it: requests, notifications and the answers to
/// our requests.
///
/// While batches are not taken, a bounded number of events waits and then reading stops: the peer has to wait.
#[derive(Debug)]
pub struct Inbox {
    batches: mpsc::Receiver<Vec<Event>>,
}

impl Inbox {
    pub(super) fn new(batches: mpsc::Receiver<Vec<Event>>) -> Self {
        Self { batches }
    }

    /// Waits for events and takes all that are there, at least one. The last batch ends with [`Event::Closed`]; after
    /// it comes `None`. Dropping the future loses nothing.
    pub async fn next_batch(&mut self) -> Option<Vec<Event>> {
        self.batches.recv().await
    }
}

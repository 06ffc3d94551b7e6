//! Which clients are connected to this gateway: requests of agents go to the one that prompted while it is there, and
//! to all that are attached once it is not.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The ids of the clients that are connected here.
#[derive(Debug)]
pub(super) struct Presence {
    connected: Mutex<HashSet<Arc<str>>>,
    departures: watch::Sender<u64>,
}

/// Says that a client is connected, until it is dropped.
#[derive(Debug)]
pub(super) struct Present {
    presence: Arc<Presence>,
    client: Arc<str>,
}

impl Presence {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { connected: Mutex::new(HashSet::new()), departures: watch::Sender::new(0) })
    }

    pub(super) fn enter(self: &Arc<Self>, client: Arc<str>) -> Present {
        self.lock().insert(Arc::clone(&client));
        Present { presence: Arc::clone(self), client }
    }

    pub(super) fn is_connected(&self, client: &str) -> bool {
        self.lock().contains(client)
    }

    /// Changes whenever a client has gone.
    pub(super) fn departures(&self) -> watch::Receiver<u64> {
        self.departures.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Arc<str>>> {
        // A set of names is whole whatever panicked beside it.
        self.connected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.presence.lock().remove(&self.client);
        self.presence.departures.send_modify(|count| *count += 1);
    }
}

//! Events of all streams, and what is seen beside them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;

/// Held in each direction, in bytes. A scenario that does not read stops the streams behind it.
pub(in crate::core::link) const PIPE: usize = 64 * 1024;
/// Things seen that wait to be recorded; more are dropped.
pub(in crate::core::link) const NOTES: usize = 1024;
/// Until the server has answered our DELETE.
pub(super) const LEAVE: Duration = Duration::from_millis(300);

/// Owner of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::core::link) enum StreamOwner {
    /// The connection's.
    Connection,
    /// A session's.
    Session(String),
}

/// Input of the link.
pub(super) enum Event {
    /// A message, from a stream or, if from none, from the body of an answer.
    Message { place: Option<StreamOwner>, text: String },
    /// Nothing more will come.
    Over,
}

/// Where notes go. What is dropped at the limit is only missing in the transcript.
#[derive(Clone)]
pub(in crate::core::link) struct Notes(pub(in crate::core::link) mpsc::Sender<(&'static str, Value)>);

impl Notes {
    pub(in crate::core::link) fn push(&self, label: &'static str, data: Value) {
        drop(self.0.try_send((label, data)));
    }
}

pub(in crate::core::link) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

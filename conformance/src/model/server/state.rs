//! State that all requests share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::model::book::Book;
use crate::model::gates::Gates;
use crate::model::ids::Ids;
use crate::model::journal::Journal;

/// State that all requests share.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) gates: Arc<Gates>,
    /// Cancelled when the server stops.
    pub(super) stop: CancellationToken,
}

/// State that a request changes.
#[derive(Debug)]
pub(super) struct State {
    pub(super) book: Book,
    pub(super) ids: Ids,
    pub(super) journal: Journal,
}

impl Model {
    /// The state, for as long as no one awaits.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave it in a shape that later requests could not use.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

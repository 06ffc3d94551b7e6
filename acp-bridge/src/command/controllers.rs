//! Controllers of a gateway that are there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use acp_types::SessionId;

use crate::principal::Principal;

/// A controller in its session, by the id of its client.
pub(super) type Controller = (SessionId, Arc<str>);

/// Controllers that are there: as many as a gateway has attachments at most.
#[derive(Debug, Default)]
pub(super) struct Controllers(Mutex<BTreeMap<Controller, Arc<Principal>>>);

impl Controllers {
    /// Notes that a controller is there, as this principal, or is not.
    pub(super) fn set(&self, controller: Controller, principal: Option<Arc<Principal>>) {
        match principal {
            Some(principal) => drop(self.there().insert(controller, principal)),
            None => drop(self.there().remove(&controller)),
        }
    }

    /// Returns whether a controller is there.
    pub(super) fn has(&self, controller: &Controller) -> bool {
        self.there().contains_key(controller)
    }

    /// All that are there now.
    pub(super) fn all(&self) -> BTreeMap<Controller, Arc<Principal>> {
        self.there().clone()
    }

    fn there(&self) -> MutexGuard<'_, BTreeMap<Controller, Arc<Principal>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The child sessions of a session that its harness has announced, by which the agent finds whose a child is.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use acp_types::v1;

/// Limit of children that are known of one session. Of more, none can be cancelled alone.
const MOST: usize = 1024;

/// The child sessions of one session. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Children(Arc<Mutex<HashSet<v1::SessionId>>>);

impl Children {
    /// The client is told something, which may be of a child.
    pub(super) fn told(&self, update: &v1::SessionUpdate) {
        if let v1::SessionUpdate::SubagentUpdate(child) = update {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() < MOST {
                known.insert(child.session_id.clone());
            }
        }
    }

    /// True for a child of the session.
    pub(super) fn has(&self, session: &v1::SessionId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(session)
    }
}

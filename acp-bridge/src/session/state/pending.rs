//! Requests of the agents that wait for their one answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use acp_types::RawBuf;
use acp_types::method::v1;
use acp_types::record::{Seq, Turn};

/// A request of the agent that waits for an answer (P8).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingRequest {
    /// The lane of the agent that asked.
    pub lane: Arc<str>,
    /// Its method.
    pub method: Arc<str>,
    /// Its params as they go on the wire to a client.
    pub params: Option<RawBuf>,
    /// The turn that ran when the agent asked.
    pub turn: Option<Turn>,
    /// The number of the agent's message, if it is connected over a link.
    pub position: Option<u64>,
}

impl PendingRequest {
    /// The method of permission requests.
    pub const PERMISSION: &'static str = v1::RequestPermission::NAME;

    /// Returns whether it asks for a permission: its answer is then a `permission_resolved`, else a `response`.
    #[must_use]
    pub fn is_permission(&self) -> bool {
        &*self.method == Self::PERMISSION
    }

    /// Bytes that it holds.
    pub(in crate::session) fn weight(&self) -> usize {
        self.method.len() + self.params.as_ref().map_or(0, |params| params.as_str().len())
    }
}

/// Pending requests, by the seq of their record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pending(Arc<BTreeMap<Seq, PendingRequest>>);

impl Pending {
    pub(super) fn add(&mut self, seq: Seq, request: PendingRequest) {
        Arc::make_mut(&mut self.0).insert(seq, request);
    }

    /// The request, if it was there.
    pub(super) fn take(&mut self, seq: Seq) -> Option<PendingRequest> {
        if !self.0.contains_key(&seq) {
            return None;
        }
        Arc::make_mut(&mut self.0).remove(&seq)
    }

    pub(super) fn get(&self, seq: Seq) -> Option<&PendingRequest> {
        self.0.get(&seq)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Seq, &PendingRequest)> + '_ {
        self.0.iter().map(|(&seq, request)| (seq, request))
    }
}

//! Closes that are answered, and end the attachment, once the client has everything that belongs to them.

use acp_types::RequestId;
use acp_types::record::Seq;

/// Close request, and where the log ended after it.
#[derive(Debug)]
struct Closing {
    id: RequestId,
    head: Seq,
}

/// Close requests of one attachment.
#[derive(Debug, Default)]
pub(super) struct PendingCloses(Vec<Closing>);

impl PendingCloses {
    pub(super) fn push(&mut self, id: RequestId, head: Seq) {
        self.0.push(Closing { id, head });
    }

    /// Returns whether one of them is complete: the client has everything that belongs to it.
    pub(super) fn any_due(&self, cursor: Seq) -> bool {
        self.0.iter().any(|closing| closing.head <= cursor)
    }

    /// Takes over those of an earlier attachment.
    pub(super) fn inherit(&mut self, mut earlier: Self) {
        self.0.append(&mut earlier.0);
    }

    /// Ids of the requests, to be answered.
    pub(super) fn into_requests(self) -> impl Iterator<Item = RequestId> {
        self.0.into_iter().map(|closing| closing.id)
    }
}

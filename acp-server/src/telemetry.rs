//! The spans and events of this crate that others rely on, in one place so that names and fields stay the same everywhere.

use acp_types::RequestId;
use tracing::{Span, debug_span};

/// Target of the trace events that mark the way of a message through the process: one event, named after the place, for
/// each. They have no text; they are there to be timed.
pub const HOP: &str = "acp_hop";

/// One request of the peer, from its arrival to our answer.
pub(crate) fn request_span(method: &str, id: &RequestId) -> Span {
    debug_span!("request", method, %id)
}

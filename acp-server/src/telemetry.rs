//! The spans of this crate, in one place so that names and fields stay the same everywhere.

use acp_types::RequestId;
use tracing::{Span, debug_span};

/// One request of the peer, from its arrival to our answer.
pub(crate) fn request_span(method: &str, id: &RequestId) -> Span {
    debug_span!("request", method, %id)
}

//! Way on of a turn.

use serde_json::Value;

/// How a turn goes on.
pub(super) enum Way {
    On,
    Stopped,
}

pub(super) type Step = Result<Way, Value>;

//! Way on of a turn.

use serde_json::Value;

/// Course of a turn: it goes on, or it was stopped.
pub(super) enum Way {
    On,
    Stopped,
}

pub(super) type Step = Result<Way, Value>;

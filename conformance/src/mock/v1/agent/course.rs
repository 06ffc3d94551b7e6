//! Course of a turn.

use serde_json::Value;

/// Course of a turn: it goes on, or it was stopped.
pub(super) enum TurnCourse {
    On,
    Stopped,
}

pub(super) type TurnStep = Result<TurnCourse, Value>;

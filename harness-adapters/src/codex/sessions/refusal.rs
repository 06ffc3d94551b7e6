//! Codex's refusals to open a session.

use crate::codex::connection::CallError;
use crate::failure::{Failure, FailureKind};

/// The failure that explains a refusal to open a session.
pub(super) fn explained(error: CallError, session: &str) -> Failure {
    let CallError::Refused(message) = error else { return error.into() };
    let (kind, text) = if message.contains("is archived") {
        (
            FailureKind::NotFound,
            format!("session {session} is deleted or archived: `codex unarchive {session}` brings it back"),
        )
    } else if message.contains("no rollout found")
        || message.contains("not found")
        || message.contains("invalid thread id")
        || message.contains("invalid session id")
        || message.contains("thread not loaded")
    {
        (FailureKind::NotFound, format!("there is no session {session}: list the sessions to see which there are"))
    } else if message.contains("active writer") {
        let text = format!("session {session} is open in another Codex process: close it there, then try again");
        (FailureKind::Unavailable, text)
    } else {
        (FailureKind::Harness, format!("Codex does not open the session: {message}"))
    };
    Failure::new(kind, text).with("cause", message)
}

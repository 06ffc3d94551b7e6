//! Errors that a client is told when the log fails the host.

use acp_types::SessionId;

use crate::log::LogError;
use crate::session::Refusal;

/// The log did not do what a command needs.
pub(super) fn failed(error: &LogError) -> Refusal {
    match error {
        LogError::Unwritable { reason } => Refusal::LogUnwritable { reason: reason.clone() },
        LogError::Unreadable { reason } => Refusal::LogUnreadable { reason: reason.clone() },
        LogError::Corrupt { reason } => Refusal::LogDamaged { reason: reason.clone() },
        LogError::Fenced { epoch, current } => Refusal::TakenOver { epoch: *epoch, current: *current },
        LogError::Closed => Refusal::LogClosed,
        LogError::Held { remaining, .. } => {
            Refusal::HeldElsewhere { ms: u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX) }
        }
        LogError::NotAMember { .. }
        | LogError::TooManyMembers { .. }
        | LogError::NotFound { .. }
        | LogError::Exists { .. }
        | LogError::Conflict { .. }
        | LogError::BeyondHead { .. }
        | LogError::Trimmed { .. } => Refusal::LogMismatch { why: error.to_string() },
    }
}

/// The session is not there, or not ours any more.
pub(super) fn lost(error: &LogError, session: &SessionId) -> Refusal {
    match error {
        LogError::NotFound { .. } => Refusal::UnknownSession { session: session.clone() },
        other => failed(other),
    }
}

#[cfg(test)]
mod tests {
    use super::{failed, lost};
    use crate::log::LogError;
    use crate::session::Refusal;

    #[test]
    fn a_failure_of_the_log_is_told_in_its_own_words() {
        let session = || "s".into();
        for error in [
            LogError::NotFound { session: session() },
            LogError::Exists { session: session() },
            LogError::Fenced { epoch: 1, current: 2 },
            LogError::Conflict { expected: 3, got: 5 },
            LogError::BeyondHead { after: 9, head: 4 },
            LogError::Trimmed { after: 1, oldest: 3 },
            LogError::Unwritable { reason: "the disk is full".into() },
            LogError::Unreadable { reason: "the disk is gone".into() },
            LogError::Corrupt { reason: "a row is short".into() },
            LogError::Closed,
        ] {
            assert_eq!(failed(&error).to_string(), error.to_string());
        }
        let unknown = lost(&LogError::NotFound { session: session() }, &session());
        assert_eq!(unknown, Refusal::UnknownSession { session: session() });
        assert_eq!(lost(&LogError::Closed, &session()), Refusal::LogClosed);
    }
}

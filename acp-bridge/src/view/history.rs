//! History of a session that a client which attaches is shown.

use acp_types::record::Seq;
use serde::Serialize;

/// Policy of `session/attach` for history: `historyPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HistoryPolicy {
    /// Full history, as `session/load` shows it.
    Full,
    /// History behind the message that `afterMessageId` names. Not in the RFD's text, but what programs in the field
    /// send.
    AfterMessage,
    /// Requests that wait for an answer, and no history.
    PendingOnly,
    /// No history.
    None,
}

impl HistoryPolicy {
    /// Every name, for an error message.
    pub(crate) const NAMES: &'static str = "\"full\", \"after_message\", \"pending_only\" or \"none\"";

    /// Finds a policy by its name on the wire.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "full" => Some(Self::Full),
            "after_message" => Some(Self::AfterMessage),
            "pending_only" => Some(Self::PendingOnly),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}

/// Start of the history that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Begin {
    /// Oldest record that is retained.
    Oldest,
    /// Cursor, with each record behind it as an update of its own.
    After(Seq),
    /// Message of this id, behind its last update.
    Message(String),
    /// Head of the log: only what comes is shown.
    Head,
}

/// Form in which history is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replay {
    /// No history.
    Nothing,
    /// Records, each as an update of its own.
    Each,
    /// Chunks of one message that are adjacent, as one update.
    Joined,
}

impl Begin {
    /// Returns whether chunks of one message are joined: whoever came with a cursor keeps one, and gets each record.
    pub(crate) fn joins(&self) -> bool {
        !matches!(self, Self::After(_))
    }
}

#[cfg(test)]
mod tests {
    use super::HistoryPolicy;

    #[test]
    fn names_are_those_of_the_wire_and_no_others() {
        for policy in
            [HistoryPolicy::Full, HistoryPolicy::AfterMessage, HistoryPolicy::PendingOnly, HistoryPolicy::None]
        {
            let name = serde_json::to_value(policy).unwrap();
            assert_eq!(HistoryPolicy::named(name.as_str().unwrap()), Some(policy));
            assert!(HistoryPolicy::NAMES.contains(&name.to_string()));
        }
        assert_eq!(HistoryPolicy::named("pending"), None);
    }
}

//! What a record is.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Kind of a record. Open: kinds of a newer version arrive as [`Kind::Other`]; readers skip them.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[$doc])* $name,)*
            /// A kind that this version does not know.
            Other(Box<str>),
        }

        impl Kind {
            /// Every kind that this version knows.
            pub const KNOWN: &'static [Self] = &[$(Self::$name),*];

            /// The name as written in the log.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(name) => name,
                }
            }
        }

        impl From<&str> for Kind {
            fn from(name: &str) -> Self {
                match name {
                    $($text => Self::$name,)*
                    other => Self::Other(other.into()),
                }
            }
        }
    };
}

kinds! {
    /// The session exists and its first agent has accepted it; always seq 1. Body: `SessionCreated`.
    SessionCreated = "session_created",
    /// Title, mode or configuration changed. Body: `SessionUpdated`.
    SessionUpdated = "session_updated",
    /// An agent process serves the session. Body: `AgentStarted`.
    AgentStarted = "agent_started",
    /// The agent process is gone. Body: `AgentExited`.
    AgentExited = "agent_exited",
    /// An agent that was started again has been given what clients chose. Body: `ChoicesRestored`.
    ChoicesRestored = "choices_restored",
    /// A prompt was accepted; its seq names the turn. Body: `PromptQueued`.
    PromptQueued = "prompt_queued",
    /// A prompt that waits has other content. Body: `PromptEdited`.
    PromptEdited = "prompt_edited",
    /// A prompt that waits has another place in the queue. Body: `PromptMoved`.
    PromptMoved = "prompt_moved",
    /// A prompt's message goes into the turn that runs. Body: `PromptSteered`.
    PromptSteered = "prompt_steered",
    /// The prompt is being given to the agent. Body: `TurnStarted`.
    TurnStarted = "turn_started",
    /// A `session/update`; the body is its `params`.
    Update = "update",
    /// `session/request_permission`; the body is its `params`. Its seq names the request.
    PermissionRequested = "permission_requested",
    /// The one answer to a permission request. Body: `Resolved`.
    PermissionResolved = "permission_resolved",
    /// Any other agent-to-client request. Body: `Requested`. Its seq names the request.
    Request = "request",
    /// The one answer to such a request. Body: `Resolved`.
    Response = "response",
    /// Somebody asked for a turn to stop. Body: `CancelRequested`.
    CancelRequested = "cancel_requested",
    /// The one terminal record of a turn. Body: `Outcome`.
    TurnEnded = "turn_ended",
    /// An agent joined the session. Body: `LaneJoined`.
    LaneJoined = "lane_joined",
    /// An agent left the session. Body: `LaneLeft`.
    LaneLeft = "lane_left",
    /// A child session of an agent is there, or something else is said of one. Body: `ChildUpdated`.
    ChildUpdated = "child_updated",
    /// Somebody asked for the work of a child session to stop. Body: `ChildCancelRequested`.
    ChildCancelRequested = "child_cancel_requested",
    /// An agent-to-client notification outside ACP (`_…`). Body: `Extension`.
    Extension = "extension",
    /// The session's agent was stopped on request; a later load or resume opens it again. Body: `SessionClosed`.
    SessionClosed = "session_closed",
    /// The records before it were written elsewhere and start nothing. Body: `SessionDisarmed`.
    SessionDisarmed = "session_disarmed",
    /// A client trusts what was disarmed. Body: `SessionTrusted`.
    SessionTrusted = "session_trusted",
}

impl Kind {
    /// True if the record matters for the session's state; updates and extensions, the bulk of a log, do not.
    #[must_use]
    pub fn is_control(&self) -> bool {
        !matches!(self, Self::Update | Self::Extension)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self::from(&*name))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Kind {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Kind".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let known: Vec<&str> = Self::KNOWN.iter().map(Self::as_str).collect();
        schemars::json_schema!({
            "description": "Open set: a reader skips kinds that it does not know.",
            "anyOf": [{ "enum": known }, { "type": "string" }]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn every_known_kind_comes_back_from_its_name() {
        for kind in Kind::KNOWN {
            assert_eq!(&Kind::from(kind.as_str()), kind);
        }
        assert_eq!(Kind::from("later"), Kind::Other("later".into()));
    }
}

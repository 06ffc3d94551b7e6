//! Source of the agent of a lane.

use acp_types::record::body::{LaneJoined, SessionCreated};

/// Source of the agent of a lane, at the first time and each time after.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever starts agents has to know every way")]
pub enum AgentSource {
    /// The host starts it by the command that it was given itself: `main`, unless that dials in.
    #[default]
    Command,
    /// The host starts it by a launch profile of this name.
    Profile(String),
    /// Nobody here starts it: it dials in. What it is called, if the log says so.
    DialsIn(Option<String>),
}

impl AgentSource {
    /// Returns whether it dials in.
    #[must_use]
    pub fn dials_in(&self) -> bool {
        matches!(self, Self::DialsIn(_))
    }

    /// The launch profile, or what an agent is called that dials in.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Command => None,
            Self::Profile(name) => Some(name),
            Self::DialsIn(name) => name.as_deref(),
        }
    }

    /// The launch profile.
    #[must_use]
    pub fn profile(&self) -> Option<&str> {
        if let Self::Profile(name) = self { Some(name) } else { None }
    }
}

impl From<LaneJoined> for AgentSource {
    fn from(joined: LaneJoined) -> Self {
        if joined.dialled { Self::DialsIn(Some(joined.agent)) } else { Self::Profile(joined.agent) }
    }
}

impl From<&SessionCreated> for AgentSource {
    /// Source of the agent of `main`.
    fn from(created: &SessionCreated) -> Self {
        if created.dialled { Self::DialsIn(None) } else { Self::Command }
    }
}

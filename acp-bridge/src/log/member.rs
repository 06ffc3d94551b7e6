//! Members of a log: hosts, which write it, and gateways, which read it for clients.

use std::fmt;
use std::sync::Arc;

use acp_types::SessionId;
use serde::{Deserialize, Serialize};

/// Names one run of a host or a gateway. No two runs have the same one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MemberId(Arc<str>);

impl MemberId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for MemberId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl From<String> for MemberId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Role of a member of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "there are two sides of a log, and every engine serves both")]
pub enum Role {
    /// Owns agents, claims sessions, appends, takes commands.
    Host,
    /// Serves clients: reads, and submits commands.
    Gateway,
}

/// A member as it presents itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "made by every host and gateway")]
pub struct Member {
    /// Its id.
    pub id: MemberId,
    /// Its role.
    pub role: Role,
}

/// News for a member that renews its lease.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Renewal {
    /// It was not a member: it is new, or its lease had run out for so long that the log has forgotten it. Whatever it held
    /// it holds no more, and whatever depended on its being there is to be said again.
    pub joined: bool,
    /// Its lease had run out before: others may have seen that it was not there.
    pub lapsed: bool,
    /// Sessions that other hosts have claimed since, because its lease had run out.
    pub lost: Vec<SessionId>,
    /// Every member whose lease runs, this one included.
    pub members: Vec<Member>,
}

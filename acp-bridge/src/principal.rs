//! Principals: who calls.

use std::collections::BTreeSet;
use std::fmt;

use acp_types::SessionId;
use serde::{Deserialize, Serialize};

/// Caller of an operation: made by a door from how a connection was authenticated, never from what the client says of
/// itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Principal {
    /// Names it wherever it is spoken of: in commands, and in what operators read.
    pub identity: String,
    /// The most that it may do.
    pub role: Role,
    /// Sessions in which it may do it.
    pub sessions: Sessions,
}

impl Principal {
    /// A principal with this role in these sessions.
    #[must_use]
    pub fn new(identity: impl Into<String>, role: Role, sessions: Sessions) -> Self {
        Self { identity: identity.into(), role, sessions }
    }

    /// One that may do everything everywhere.
    #[must_use]
    pub fn admin(identity: impl Into<String>) -> Self {
        Self::new(identity, Role::Admin, Sessions::All)
    }
}

/// The most that a principal may do. Each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "whoever decides by roles has to know all of them")]
pub enum Role {
    /// It sees everything and changes nothing.
    Observer,
    /// It prompts, stops, configures and answers what agents ask.
    Controller,
    /// It deletes sessions, trusts those that were written elsewhere, and speaks to agents outside of any session.
    Admin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 3] = [Self::Observer, Self::Controller, Self::Admin];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observer => "observer",
            Self::Controller => "controller",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The sessions that a principal may touch. To it the others do not exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Sessions {
    /// Every session, those to come included.
    All,
    /// These and no others.
    Only(BTreeSet<SessionId>),
}

impl Sessions {
    /// These and no others.
    pub fn only<S: Into<SessionId>>(sessions: impl IntoIterator<Item = S>) -> Self {
        Self::Only(sessions.into_iter().map(Into::into).collect())
    }

    /// Returns whether a session is among them.
    #[must_use]
    pub fn has(&self, session: &SessionId) -> bool {
        match self {
            Self::All => true,
            Self::Only(these) => these.contains(session),
        }
    }

    /// Returns whether every session is.
    #[must_use]
    pub fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }
}

#[cfg(test)]
mod tests {
    use super::{Principal, Role, Sessions};

    #[test]
    fn each_role_may_do_what_those_before_it_may() {
        assert!(Role::ALL.is_sorted());
        assert_eq!(Role::ALL.map(|role| serde_json::to_value(role).unwrap()), Role::ALL.map(Role::as_str));
    }

    #[test]
    fn a_principal_comes_back_from_its_text() {
        for (sessions, text) in [(Sessions::All, r#""all""#), (Sessions::only(["b", "a"]), r#"{"only":["a","b"]}"#)] {
            let principal = Principal::new("ci", Role::Controller, sessions);
            let written = serde_json::to_string(&principal).unwrap();
            assert_eq!(written, format!(r#"{{"identity":"ci","role":"controller","sessions":{text}}}"#));
            assert_eq!(serde_json::from_str::<Principal>(&written).unwrap(), principal);
        }
    }

    #[cfg(feature = "schema")]
    #[test]
    fn its_schema_names_what_it_has() {
        let schema = serde_json::to_value(schemars::schema_for!(Principal)).unwrap();
        let members: Vec<_> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["identity", "role", "sessions"]);
    }
}

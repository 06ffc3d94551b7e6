//! The id of a session.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use agent_client_protocol_schema::v1;
use serde::{Deserialize, Serialize};

/// Names a session (ACP v1, "Session ID"). Opaque text; cloning shares it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionId(Arc<str>);

impl SessionId {
    /// Takes any text as a session id.
    #[must_use]
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for SessionId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for SessionId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SessionId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl From<String> for SessionId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl From<v1::SessionId> for SessionId {
    fn from(id: v1::SessionId) -> Self {
        Self(id.0)
    }
}

impl From<SessionId> for v1::SessionId {
    fn from(id: SessionId) -> Self {
        Self::new(id.0)
    }
}

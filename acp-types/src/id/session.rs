//! The id of a session.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use agent_client_protocol_schema::v1;
use serde::{Deserialize, Serialize};

/// Stands between the id of a session and the number of its child.
const CHILD: char = '~';

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

    /// The id, as clients know it, of a child session in the log of this one: `announced` is the seq of the record that
    /// announced it. A child of a child is named by the same session.
    #[must_use]
    pub fn child(&self, announced: u64) -> Self {
        Self(format!("{}{CHILD}{announced}", self.0).into())
    }

    /// The session in whose log a child is, and the seq of the record that announced it; `None` for an id that is not
    /// written as that of a child. A session may have such an id: whoever knows the session by it goes by that.
    #[must_use]
    pub fn as_child(&self) -> Option<(Self, u64)> {
        let (session, announced) = self.0.rsplit_once(CHILD)?;
        let number = announced.parse().ok()?;
        // Each child has one name.
        (!session.is_empty() && announced == format!("{number}")).then(|| (Self::from(session), number))
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

#[cfg(test)]
mod tests {
    use super::SessionId;

    #[test]
    fn a_child_is_named_by_its_session_and_its_number() {
        let session = SessionId::from("sess_1");
        let child = session.child(17);
        assert_eq!(child.as_str(), "sess_1~17");
        assert_eq!(child.as_child(), Some((session, 17)));
        assert_eq!(SessionId::from("a~b~3").as_child(), Some(("a~b".into(), 3)));
        for plain in ["sess_1", "a~", "~3", "a~x", "a~-3", "a~+3", "a~03", "a~18446744073709551616"] {
            assert_eq!(SessionId::from(plain).as_child(), None, "{plain}");
        }
    }
}

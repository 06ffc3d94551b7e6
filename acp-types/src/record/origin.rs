//! Who caused a record.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Who caused a record. Written as `host`, `agent` or `client:ID`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// The side that owns the agent process.
    Host,
    /// The agent.
    Agent,
    /// A client connection, by the id that its gateway gave it.
    Client(Arc<str>),
}

impl Origin {
    /// The client's id when a client caused it.
    #[must_use]
    pub fn client(&self) -> Option<&Arc<str>> {
        match self {
            Self::Client(id) => Some(id),
            Self::Host | Self::Agent => None,
        }
    }
}

impl From<&str> for Origin {
    /// Anything that is not `host` or `agent` names a client, with or without the prefix.
    fn from(text: &str) -> Self {
        match text {
            "host" => Self::Host,
            "agent" => Self::Agent,
            other => Self::Client(other.strip_prefix("client:").unwrap_or(other).into()),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("host"),
            Self::Agent => f.write_str("agent"),
            Self::Client(id) => write!(f, "client:{id}"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self::from(&*text))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Origin {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Origin".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^(host|agent|client:.*)$" })
    }
}

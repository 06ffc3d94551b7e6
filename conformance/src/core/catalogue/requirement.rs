//! One requirement, and what is known about it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Level of a requirement: the word that the specification uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Level {
    /// An absolute duty.
    #[serde(rename = "MUST")]
    Must,
    /// An absolute prohibition.
    #[serde(rename = "MUST NOT")]
    MustNot,
    /// A plain sentence or schema rule that only makes sense as a duty.
    #[serde(rename = "IND")]
    Indicative,
    /// A recommendation.
    #[serde(rename = "SHOULD")]
    Should,
    /// A recommendation against.
    #[serde(rename = "SHOULD NOT")]
    ShouldNot,
    /// Follows from JSON-RPC, or from what another requirement needs to have a meaning.
    #[serde(rename = "DER")]
    Derived,
    /// Left to the implementer.
    #[serde(rename = "MAY")]
    May,
}

impl Level {
    /// As the catalogue writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::MustNot => "MUST NOT",
            Self::Indicative => "IND",
            Self::Should => "SHOULD",
            Self::ShouldNot => "SHOULD NOT",
            Self::Derived => "DER",
            Self::May => "MAY",
        }
    }

    /// Returns whether an implementation that does otherwise is wrong.
    #[must_use]
    pub const fn binds(self) -> bool {
        matches!(self, Self::Must | Self::MustNot | Self::Indicative)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The one whose duty it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Who {
    /// An agent.
    Agent,
    /// A client.
    Client,
    /// Agent and client.
    Both,
    /// Whoever serves HTTP or WebSocket in front of an agent.
    Server,
    /// A bridge or proxy.
    Bridge,
}

/// A transport between an agent and a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Transport {
    /// Streams of bytes: those of a process, and those of a subject in this process.
    Stdio,
    /// WebSocket.
    WebSocket,
    /// Streamable HTTP.
    Http,
}

impl Transport {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Stdio, Self::WebSocket, Self::Http];

    /// The transport that a history notes under this name; streams of bytes note none.
    #[must_use]
    pub(crate) fn noted(name: &str) -> Self {
        match name {
            "websocket" => Self::WebSocket,
            "http" => Self::Http,
            _ => Self::Stdio,
        }
    }
}

/// One requirement. Its id never changes its meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Requirement {
    /// Such as `CANCEL-08`.
    pub id: String,
    /// Its level.
    pub level: Level,
    /// The one whose duty it is.
    pub who: Who,
    /// Ways to see it: `A` against an agent, `A*` with an agent that is made to act, `C` and `C*` against a client,
    /// `P` in all traffic, `S` by the schema, `M` by a person only, `N` not at all.
    pub how: String,
    /// The requirement, in one sentence.
    pub text: String,
    /// Stimulus and expectation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
    /// Preconditions: `init`, `sess`, or a capability (`a:` of the agent, `c:` of the client).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    /// Page and section of the specification, or `schema:TYPE`.
    pub source: String,
    /// Transports on which it can be asked for; empty: on all of them.
    #[serde(default, skip_serializing)]
    pub over: Vec<Transport>,
    /// Versions of the protocol in which it is asked for.
    #[serde(default = "first", skip_serializing)]
    pub versions: Vec<u8>,
    /// True if it needs one order of an answer and the updates before it, which several streams do not have.
    #[serde(default, skip_serializing)]
    pub one_order: bool,
    /// Newer than the documentation of August 2026.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new: bool,
}

fn first() -> Vec<u8> {
    vec![1]
}

impl Requirement {
    /// The transports on which it can be asked for.
    #[must_use]
    pub fn transports(&self) -> &[Transport] {
        if self.over.is_empty() { Transport::ALL } else { &self.over }
    }

    /// Returns whether `selector` names it: its id, or the beginning of it up to a hyphen. `CANCEL` selects `CANCEL-08`.
    #[must_use]
    pub fn is_selected_by(&self, selector: &str) -> bool {
        self.id == selector
            || self.id.strip_prefix(selector).is_some_and(|rest| rest.starts_with('-') || selector.ends_with('-'))
    }

    /// Returns whether it is meant by `selector` with other letters, or in part.
    #[must_use]
    pub fn is_like(&self, selector: &str) -> bool {
        let (id, selector) = (self.id.to_lowercase(), selector.to_lowercase());
        !selector.is_empty() && (id.starts_with(&selector) || selector.starts_with(&format!("{id}/")))
    }

    /// A web address of its source, where there is one.
    #[must_use]
    pub fn page(&self) -> Option<String> {
        let first = self.source.split([';', ',', ' ']).next().unwrap_or_default();
        if self.source.starts_with("JSON-RPC 2.0") {
            return Some("https://www.jsonrpc.org/specification".to_owned());
        }
        let path = first.strip_prefix("v1/").or_else(|| first.strip_prefix("v2/"))?;
        let version = &first[..2];
        Some(format!("https://agentclientprotocol.com/protocol/{version}/{path}"))
    }
}

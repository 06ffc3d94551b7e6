//! The requirements of the protocol, as data: what a peer has to do, where that is written, how it can be seen.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// The files in `conformance/catalogue`, in the order in which `list` shows them.
const FILES: [&str; 7] = [
    include_str!("../../catalogue/base.toml"),
    include_str!("../../catalogue/sessions.toml"),
    include_str!("../../catalogue/turn.toml"),
    include_str!("../../catalogue/services.toml"),
    include_str!("../../catalogue/remote.toml"),
    include_str!("../../catalogue/v2.toml"),
    include_str!("../../catalogue/durable.toml"),
];

static ALL: LazyLock<Vec<Requirement>> = LazyLock::new(|| {
    // A test reads every file, so none is malformed; a malformed one would only be missing here.
    FILES.iter().filter_map(|text| toml::from_str::<File>(text).ok()).flat_map(|file| file.requirement).collect()
});

/// Why a requirement is not checked, by its id.
static GAPS: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| toml::from_str(include_str!("../../catalogue/gaps.toml")).unwrap_or_default());

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    requirement: Vec<Requirement>,
}

/// How much a requirement binds: the word that the specification uses.
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

    /// Whether an implementation that does otherwise is wrong.
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

/// Whose duty it is.
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

/// One requirement. Its id never changes its meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Requirement {
    /// Such as `CANCEL-08`.
    pub id: String,
    /// How much it binds.
    pub level: Level,
    /// Whose duty it is.
    pub who: Who,
    /// How it can be seen: `A` against an agent, `A*` with an agent that is made to act, `C` and `C*` against a client,
    /// `P` in all traffic, `S` by the schema, `M` by a person only, `N` not at all.
    pub how: String,
    /// The requirement, in one sentence.
    pub text: String,
    /// Stimulus and expectation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
    /// What has to be there: `init`, `sess`, or a capability (`a:` of the agent, `c:` of the client).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    /// Page and section of the specification, or `schema:TYPE`.
    pub source: String,
    /// Newer than the documentation of August 2026.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new: bool,
}

impl Requirement {
    /// Whether `selector` names it: its id, or the beginning of it up to a hyphen. `CANCEL` selects `CANCEL-08`.
    #[must_use]
    pub fn is_selected_by(&self, selector: &str) -> bool {
        self.id == selector
            || self.id.strip_prefix(selector).is_some_and(|rest| rest.starts_with('-') || selector.ends_with('-'))
    }

    /// Whether it is meant by `selector` with other letters, or in part.
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

/// What whoever wrote `selector` may have meant, in a sentence for a message; empty if nothing is like it.
#[must_use]
pub fn hint(selector: &str) -> String {
    const SHOWN: usize = 3;
    let family = selector.rsplit_once('-').map_or(selector, |(family, _)| family);
    let like = |selector: &str| -> Vec<&str> {
        all().iter().filter(|of| of.is_like(selector)).map(|of| of.id.as_str()).take(SHOWN).collect()
    };
    match [like(selector), like(&format!("{family}-"))].into_iter().find(|found| !found.is_empty()) {
        Some(found) => format!("did you mean {}? ", found.join(" or ")),
        None => String::new(),
    }
}

/// All of them, in the order of the catalogue.
#[must_use]
pub fn all() -> &'static [Requirement] {
    &ALL
}

/// The one of that id. A check may add a letter, as in `CANCEL-08/a`, which is no part of the id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Requirement> {
    all().get(place(id)?)
}

/// Where in the catalogue that one is.
#[must_use]
pub fn place(id: &str) -> Option<usize> {
    static PLACES: LazyLock<HashMap<&str, usize>> = LazyLock::new(|| {
        all().iter().enumerate().map(|(place, requirement)| (requirement.id.as_str(), place)).collect()
    });
    PLACES.get(id.split('/').next().unwrap_or(id)).copied()
}

/// Why the requirement of this id is not checked, where that needs saying.
#[must_use]
pub fn gap(id: &str) -> Option<&'static str> {
    GAPS.get(id).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_file_can_be_read_and_no_id_comes_twice() {
        for text in FILES {
            toml::from_str::<File>(text).expect("a file of the catalogue");
        }
        let ids: HashSet<&str> = all().iter().map(|requirement| requirement.id.as_str()).collect();
        assert_eq!(ids.len(), all().len());
        assert_eq!(all().len(), 422);
    }

    #[test]
    fn every_gap_is_a_requirement_that_nothing_checks() {
        let gaps: BTreeMap<String, String> =
            toml::from_str(include_str!("../../catalogue/gaps.toml")).expect("the gaps");
        let checked = |id: &str| {
            let mut checks = crate::core::suite::all().into_iter().flat_map(|suite| suite.checks().collect::<Vec<_>>());
            checks.any(|(check, _)| check.requirement().is_some_and(|of| of.id == id))
        };
        for id in gaps.keys() {
            assert!(find(id).is_some_and(|of| of.id == *id), "{id} is no requirement");
            assert!(!checked(id), "{id} is checked: take it out of catalogue/gaps.toml");
        }
    }

    #[test]
    fn a_selector_is_an_id_or_a_part_of_it_up_to_a_hyphen() {
        let chosen = |selector: &str| all().iter().filter(|r| r.is_selected_by(selector)).count();
        assert_eq!(chosen("CANCEL-08"), 1);
        assert_eq!(chosen("CANCEL"), 21);
        assert_eq!(chosen("CANC"), 0);
        assert_eq!(chosen("CANCEL-0"), 0);
        assert_eq!(chosen("TRANSPORT-stdio"), 14);
    }

    #[test]
    fn a_slip_is_answered_with_what_may_be_meant() {
        assert_eq!(hint("cancel-08"), "did you mean CANCEL-08? ");
        assert!(hint("CANC").starts_with("did you mean CANCEL-01 or "));
        assert!(hint("CANCEL-99").starts_with("did you mean CANCEL-01 or "));
        assert_eq!(hint("NOPE"), "");
    }

    #[test]
    fn the_page_of_a_source_can_be_opened() {
        let page = find("CANCEL-08/a").and_then(Requirement::page);
        assert_eq!(page.as_deref(), Some("https://agentclientprotocol.com/protocol/v1/prompt-turn#cancellation"));
    }
}

//! The requirements of the protocol, as data: what a peer has to do, where that is written, how it can be seen.

mod requirement;

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;

pub use requirement::{Level, Requirement, Transport, Who};

/// The files in `conformance/catalogue`, in the order in which `list` shows them.
const FILES: [&str; 9] = [
    include_str!("../../catalogue/base.toml"),
    include_str!("../../catalogue/sessions.toml"),
    include_str!("../../catalogue/setup.toml"),
    include_str!("../../catalogue/turn.toml"),
    include_str!("../../catalogue/children.toml"),
    include_str!("../../catalogue/services.toml"),
    include_str!("../../catalogue/remote.toml"),
    include_str!("../../catalogue/v2.toml"),
    include_str!("../../catalogue/durable.toml"),
];

static ALL: LazyLock<Vec<Requirement>> = LazyLock::new(|| {
    // A test reads every file, so none is malformed; a malformed one would only be missing here.
    FILES.iter().filter_map(|text| toml::from_str::<File>(text).ok()).flat_map(|file| file.requirement).collect()
});

/// Reasons why a requirement is not checked, by its id.
static GAPS: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| toml::from_str(include_str!("../../catalogue/gaps.toml")).unwrap_or_default());

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    requirement: Vec<Requirement>,
}

/// A hint at the ids that `selector` may have meant, as a sentence for a message; empty if nothing is like it.
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

/// The reason why the requirement of this id is not checked, where that needs saying.
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
        assert_eq!(all().len(), 474);
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

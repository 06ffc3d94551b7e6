//! The catalogue and the suites agree: what is checked, and in which version.

use std::collections::BTreeMap;

use conformance::{catalogue, suites};

#[test]
fn every_gap_is_a_requirement_that_nothing_checks() {
    let gaps: BTreeMap<String, String> = toml::from_str(include_str!("../catalogue/gaps.toml")).expect("the gaps");
    let checked = |id: &str| {
        let mut checks = suites::all().into_iter().flat_map(|suite| suite.checks().collect::<Vec<_>>());
        checks.any(|(check, _)| check.requirement().is_some_and(|of| of.id == id))
    };
    for id in gaps.keys() {
        assert!(catalogue::find(id).is_some_and(|of| of.id == *id), "{id} is no requirement");
        assert!(!checked(id), "{id} is checked: take it out of catalogue/gaps.toml");
    }
}

#[test]
fn every_check_is_made_in_a_version_that_its_requirement_names() {
    for suite in suites::all() {
        let version = if suite.scenarios[0].name.starts_with("v2-") { 2 } else { 1 };
        for (check, _) in suite.checks() {
            let requirement = check.requirement().expect("a requirement");
            assert!(requirement.versions.contains(&version), "{} in version {version}", check.id);
        }
    }
}

#[test]
fn every_requirement_of_a_version_is_one_of_a_version_that_there_is() {
    for requirement in catalogue::all() {
        let known = requirement.versions.iter().all(|version| [1, 2].contains(version));
        assert!(known && !requirement.versions.is_empty(), "{}: {:?}", requirement.id, requirement.versions);
    }
}

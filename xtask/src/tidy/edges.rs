//! Which crate may depend on which.

use crate::run::{capture, cargo};

/// Crates that every other may use in its tests, and nowhere else.
const FOR_TESTS: &[&str] = &["module-graph"];

/// Edges between our own crates, dev-dependencies included. Everything else is a fault.
const ALLOWED: &[(&str, &[&str])] = &[
    ("acp-types", &[]),
    ("acp-server", &["acp-types"]),
    ("acp-bridge", &["acp-types", "acp-server"]),
    ("harness-adapters", &["acp-types", "acp-server"]),
    ("conformance", &["acp-types", "acp-server"]),
    ("module-graph", &[]),
    ("xtask", &[]),
];

pub(super) fn faults() -> anyhow::Result<Vec<String>> {
    let metadata = capture(cargo().args(["metadata", "--locked", "--no-deps", "--format-version", "1"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut faults = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
            faults.push(format!("crate {name} is not in the table of crate edges"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let on = dependency["name"].as_str().unwrap_or_default();
            if FOR_TESTS.contains(&on) && dependency["kind"] == "dev" {
                continue;
            }
            if ALLOWED.iter().any(|(known, _)| *known == on) && !allowed.contains(&on) {
                faults.push(format!("{name} must not depend on {on}"));
            }
        }
    }
    Ok(faults)
}

//! What holds for every crate of this workspace.

use std::path::Path;

use module_graph::Crate;

/// Each crate's root, and root files of programs in the same folder.
const CRATES: &[(&str, &[&str])] = &[
    ("acp-types/src/lib.rs", &[]),
    ("acp-server/src/lib.rs", &[]),
    ("acp-bridge/src/lib.rs", &["main.rs"]),
    ("harness-adapters/src/lib.rs", &["main.rs"]),
    ("conformance/src/lib.rs", &["main.rs"]),
    ("module-graph/src/lib.rs", &[]),
    ("xtask/src/main.rs", &[]),
];

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

#[test]
fn modules_of_no_crate_import_each_other_in_a_circle() {
    let mut found = Vec::new();
    for (root, others) in CRATES {
        let of = Crate::read(&workspace().join(root), others).unwrap_or_else(|error| panic!("{root}: {error}"));
        assert!(of.modules().count() > 5, "{root} has no modules: this test must follow");
        found.extend(of.circles("crate").into_iter().map(|circle| format!("{root}: {}", circle.join(", "))));
    }
    assert!(found.is_empty(), "these import each other in a circle:\n{}", found.join("\n"));
}

#[test]
fn the_list_above_has_every_crate_of_the_workspace() {
    let manifest = std::fs::read_to_string(workspace().join("Cargo.toml")).expect("the workspace's manifest");
    let members = manifest.lines().find(|line| line.starts_with("members")).expect("the members");
    let known = |name: &str| CRATES.iter().any(|(root, _)| root.starts_with(&format!("{name}/")));
    let names: Vec<&str> = members.split('"').skip(1).step_by(2).collect();
    assert_eq!(names.len(), CRATES.len(), "{names:?}");
    assert!(names.iter().all(|name| known(name)), "{names:?}");
}

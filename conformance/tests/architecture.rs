//! What the architecture page says of the structure, read from the source.

use std::path::Path;

use module_graph::{Crate, Room, Rooms};

/// The parts, from the lowest, and which know which.
const ROOMS: &[Room<'_>] = &[
    Room { name: "crate", knows: &["crate::core"] },
    Room { name: "crate::prompts", knows: &[] },
    Room { name: "crate::model", knows: &[] },
    Room { name: "crate::mcp_stub", knows: &[] },
    Room { name: "crate::core", knows: &["crate::model", "crate::prompts"] },
    Room { name: "crate::mock", knows: &["crate::core", "crate::prompts"] },
    Room { name: "crate::bench", knows: &["crate::core", "crate::prompts"] },
    Room { name: "crate::v1", knows: OF_CHECKS },
    Room { name: "crate::v2", knows: &["crate::v1", "crate::core", "crate::mcp_stub", "crate::prompts"] },
    Room { name: "crate::bridge", knows: &["crate::v1", "crate::mock", "crate::core", "crate::prompts"] },
    Room { name: "crate::suites", knows: &["crate::v1", "crate::v2", "crate::bridge", "crate::core"] },
    Room {
        name: "crate::cli",
        knows: &[
            "crate::suites",
            "crate::v1",
            "crate::v2",
            "crate::bridge",
            "crate::bench",
            "crate::mock",
            "crate::mcp_stub",
            "crate::model",
            "crate::core",
            "crate::prompts",
        ],
    },
];

const OF_CHECKS: &[&str] = &["crate::core", "crate::mcp_stub", "crate::prompts"];

fn read() -> Crate {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    Crate::read(&root, &["main.rs"]).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn parts_know_only_those_that_the_table_names() {
    let rooms = Rooms { rooms: ROOMS, still_allowed: &[], tests_too: true };
    let of = read();
    let faults = [rooms.faults(&of), rooms.circles(&of)].concat();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn modules_import_each_other_in_no_circle() {
    let of = read();
    let modules: Vec<Room<'_>> = of.modules().map(|name| Room { name, knows: &[] }).collect();
    let circles = Rooms { rooms: &modules, still_allowed: &[], tests_too: false }.circles(&of);
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn what_judges_has_no_io_clock_or_channels() {
    let of = read();
    let crates = ["acp_server::types", "jsonschema", "serde", "serde_json", "thiserror", "toml"];
    for module in ["crate::core::applies", "crate::core::catalogue", "crate::core::verdict", "crate::v1::invariants"] {
        assert!(of.modules().any(|found| found == module), "{module} has moved: this test must follow it");
        let faults = of.impurities(module, &crates);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}

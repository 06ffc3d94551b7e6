//! What the architecture page says of the structure, read from the source.

use std::path::Path;

use module_graph::{Crate, Room, Rooms};

/// The rooms, and which know which. Harnesses know nothing of each other; the profiles know none of them.
const ROOMS: &[Room<'_>] = &[
    Room { name: "crate", knows: &["crate::failure"] },
    Room { name: "crate::bounds", knows: &[] },
    Room { name: "crate::diff", knows: &[] },
    Room { name: "crate::embedded", knows: &[] },
    Room { name: "crate::failure", knows: &[] },
    Room { name: "crate::private", knows: &[] },
    Room { name: "crate::profile", knows: &[] },
    Room { name: "crate::content", knows: &["crate::embedded"] },
    Room { name: "crate::translate", knows: &["crate::failure"] },
    Room {
        name: "crate::adapter",
        knows: &["crate", "crate::bounds", "crate::failure", "crate::private", "crate::translate"],
    },
    Room { name: "crate::codex", knows: OF_A_HARNESS },
    Room { name: "crate::claude", knows: OF_A_HARNESS },
    Room {
        name: "crate::cli",
        knows: &["crate::adapter", "crate::claude", "crate::codex", "crate::private", "crate::profile"],
    },
];

const OF_A_HARNESS: &[&str] = &[
    "crate",
    "crate::adapter",
    "crate::bounds",
    "crate::content",
    "crate::diff",
    "crate::embedded",
    "crate::failure",
    "crate::profile",
    "crate::translate",
];

fn read() -> Crate {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    Crate::read(&root, &["main.rs"]).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn translators_have_no_io_clock_or_channels() {
    let of = read();
    let crates = ["acp_types", "bytes", "serde", "serde_json", "tracing", "uuid"];
    for module in ["crate::codex::translate", "crate::codex::wire", "crate::claude::translate", "crate::claude::wire"] {
        assert!(of.modules().filter(|found| found.starts_with(module)).count() > 2, "{module} has moved");
        let faults = of.impurities(module, &crates);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}

#[test]
fn rooms_know_only_those_that_the_table_names() {
    let rooms = Rooms { rooms: ROOMS, still_allowed: &[], tests_too: true };
    let of = read();
    let faults = [rooms.faults(&of), rooms.circles(&of)].concat();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

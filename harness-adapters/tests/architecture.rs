//! What the architecture page says of the structure, read from the source.

use std::path::Path;

use acp_types::method::{Version, proposed};
use module_graph::{Crate, Room, Rooms};

/// The rooms, and which know which. Harnesses know nothing of each other; the profiles know none of them.
const ROOMS: &[Room<'_>] = &[
    Room { name: "crate", knows: &["crate::failure"] },
    Room { name: "crate::bounds", knows: &[] },
    Room { name: "crate::diff", knows: &[] },
    Room { name: "crate::embedded", knows: &[] },
    Room { name: "crate::failure", knows: &[] },
    Room { name: "crate::private", knows: &[] },
    Room { name: "crate::search_path", knows: &[] },
    Room { name: "crate::system_prompt", knows: &["crate::failure"] },
    Room { name: "crate::profile", knows: &["crate::search_path"] },
    Room { name: "crate::content", knows: &["crate::embedded"] },
    Room { name: "crate::translate", knows: &["crate::failure"] },
    Room {
        name: "crate::adapter",
        knows: &["crate", "crate::bounds", "crate::failure", "crate::private", "crate::translate"],
    },
    Room { name: "crate::children", knows: &["crate::translate"] },
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
    "crate::children",
    "crate::content",
    "crate::diff",
    "crate::embedded",
    "crate::failure",
    "crate::profile",
    "crate::search_path",
    "crate::system_prompt",
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

/// Words of a harness's own protocol or command line that are spelled like a method of ACP.
const OF_HARNESSES: &[(&str, &str)] = &[
    ("claude/auth.rs", "logout"),
    ("claude/channel.rs", "initialize"),
    ("codex/connection/app_server.rs", "initialize"),
    ("codex/translate/commands.rs", "logout"),
];

#[test]
fn names_of_methods_are_written_only_in_the_method_table() {
    let rows = [Version::V1, Version::V2].into_iter().flat_map(|version| version.methods().iter().map(|row| row.name));
    let names: Vec<&str> = rows.chain(proposed::METHODS).collect();
    let of = read();
    let mut written = of.literals_of(&names);
    for (file, word) in OF_HARNESSES {
        let before = written.len();
        written.retain(|place| !(place.contains(file) && place.ends_with(&format!("{word:?}"))));
        assert!(written.len() < before, "{file} no longer says {word:?}: strike it from the list");
    }
    assert!(written.is_empty(), "use the constant of acp_types::method:\n{}", written.join("\n"));
}

#[test]
fn modules_import_each_other_in_no_circle() {
    let of = read();
    let each: Vec<Room<'_>> = of.modules().map(|name| Room { name, knows: &[] }).collect();
    assert!(each.len() > 100, "the modules have moved: this test must follow");
    let circles = Rooms { rooms: &each, still_allowed: &[], tests_too: false }.circles(&of);
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn the_methods_of_a_session_and_of_each_of_its_parts_are_in_one_file() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (harness, parts) in [("codex", PARTS), ("claude", PARTS)] {
        let folder = source.join(harness).join("translate");
        let mut texts = Vec::new();
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                texts.push(std::fs::read_to_string(path).expect("a source file"));
            }
        }
        for part in parts {
            let block = format!("\nimpl {part} {{\n");
            let found = texts.iter().filter(|text| text.contains(&block)).count();
            assert_eq!(found, 1, "{harness}: files with methods of {part}");
        }
    }
}

/// The parts of a translator that both harnesses have. Each owns its state.
const PARTS: [&str; 9] = ["Session", "Lifecycle", "Turns", "Asks", "Controls", "Screen", "Notices", "Meter", "Options"];

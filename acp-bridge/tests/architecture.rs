//! What the architecture page says of the structure, read from the source.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use acp_types::meta;
use acp_types::method::{Version, proposed};
use module_graph::{Crate, Room, Rooms};

/// The rooms, from the lowest, and which know which. A room that has no module yet may be in the table: `service` and
/// `view` are between the doors and the log.
const ROOMS: &[Room<'_>] = &[
    Room { name: "crate", knows: &[] },
    Room { name: "crate::shared", knows: &[] },
    Room { name: "crate::attach", knows: &[] },
    Room { name: "crate::session", knows: &["crate::shared"] },
    Room { name: "crate::remote_agent::protocol", knows: &[] },
    Room { name: "crate::remote_agent::transport", knows: &["crate::remote_agent::protocol"] },
    Room {
        name: "crate::remote_agent",
        knows: &["crate::remote_agent::protocol", "crate::remote_agent::transport", "crate::session"],
    },
    Room { name: "crate::vault", knows: &[] },
    Room { name: "crate::principal", knows: &[] },
    Room { name: "crate::log", knows: &["crate::shared"] },
    Room { name: "crate::archive", knows: &["crate::log", "crate::session"] },
    Room {
        name: "crate::command",
        knows: &["crate::log", "crate::principal", "crate::session", "crate::shared", "crate::vault"],
    },
    Room {
        name: "crate::retention",
        knows: &["crate::command", "crate::log", "crate::principal", "crate::session", "crate::shared", "crate::vault"],
    },
    Room { name: "crate::host::services", knows: &["crate::session", "crate::shared"] },
    Room {
        name: "crate::host",
        knows: &[
            "crate::host::services",
            "crate::command",
            "crate::remote_agent",
            "crate::remote_agent::protocol",
            "crate::remote_agent::transport",
            "crate::log",
            "crate::session",
            "crate::shared",
            "crate::vault",
            "crate::principal",
        ],
    },
    Room {
        name: "crate::service",
        knows: &[
            "crate::archive",
            "crate::command",
            "crate::log",
            "crate::principal",
            "crate::session",
            "crate::shared",
            "crate::vault",
        ],
    },
    Room { name: "crate::view", knows: OF_A_VIEW },
    Room {
        name: "crate::gateway",
        knows: &[
            "crate::view",
            "crate::service",
            "crate::command",
            "crate::log",
            "crate::session",
            "crate::shared",
            "crate::vault",
            "crate::principal",
        ],
    },
    Room {
        name: "crate::cli",
        knows: &[
            "crate::gateway",
            "crate::view",
            "crate::host",
            "crate::host::services",
            "crate::service",
            "crate::retention",
            "crate::archive",
            "crate::log",
            "crate::session",
            "crate::attach",
            "crate::remote_agent::protocol",
            "crate::remote_agent::transport",
            "crate::shared",
            "crate::vault",
        ],
    },
    Room {
        name: "crate::simulation",
        knows: &[
            "crate::gateway",
            "crate::view",
            "crate::host",
            "crate::service",
            "crate::command",
            "crate::log",
            "crate::principal",
            "crate::session",
            "crate::vault",
        ],
    },
];

const OF_A_VIEW: &[&str] =
    &["crate::service", "crate::command", "crate::log", "crate::principal", "crate::session", "crate::shared"];

/// The source, read once for all tests.
static SOURCE: LazyLock<Crate> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    Crate::read(&root, &["main.rs"]).unwrap_or_else(|error| panic!("{error}"))
});

fn within(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn rooms() -> Rooms<'static> {
    Rooms { rooms: ROOMS, still_allowed: &[], tests_too: true }
}

#[track_caller]
fn assert_pure(module: &str, crates: &[&str]) {
    let found = SOURCE.modules().filter(|found| found.starts_with(module)).count();
    assert!(found > 2, "{module} has moved: this test must follow it");
    let faults = SOURCE.impurities(module, crates);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn rooms_know_only_those_that_the_table_names() {
    let faults = rooms().faults(&SOURCE);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn rooms_import_each_other_in_no_circle() {
    let circles = rooms().circles(&SOURCE);
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn modules_import_each_other_in_no_circle() {
    let circles: Vec<_> = SOURCE.circles("crate").into_iter().map(|circle| circle.join(", ")).collect();
    assert!(circles.is_empty(), "these import each other in a circle:\n{}", circles.join("\n"));
}

#[test]
fn the_session_logic_keeps_the_parts_of_a_lane_to_themselves() {
    // A part is changed by its own file alone: what others need of it they ask for.
    let parts = ["agent", "announce", "calls", "presence", "queue", "requests", "restore", "steering", "transition"];
    let owners = [
        ("agent", "AgentSlot"),
        ("announce", "Announcement"),
        ("calls", "Calls"),
        ("presence", "ControllerPresence"),
        ("queue", "TurnQueue"),
        ("requests", "PendingRequests"),
        ("restore", "Restore"),
        ("steering", "Steering"),
        ("lane", "Lane"),
        ("transition", "Transition"),
        ("transition", "Core"),
    ];
    let of = &SOURCE;
    for part in parts {
        let from = format!("crate::session::machine::{part}");
        let knows_lanes =
            of.edges().iter().any(|edge| edge.from == from && within(&edge.to, "crate::session::machine::lane"));
        assert!(!knows_lanes, "{from} knows the lane that it is a part of");
    }
    for (file, owner) in owners {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/session/machine/{file}.rs"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (_, from) = text.split_once(&format!("struct {owner}")).unwrap_or_else(|| panic!("{owner} has moved"));
        let (fields, _) = from.split_once(if from.starts_with('(') { ");" } else { "\n}" }).expect("its end");
        assert!(!fields.contains("pub"), "{owner} has a field that is not its own");
    }
}

#[test]
fn gateway_and_host_name_nothing_of_each_other() {
    let (gateway, host) = ("crate::gateway", "crate::host");
    for edge in SOURCE.edges() {
        let across = (within(&edge.from, gateway) && within(&edge.to, host))
            || (within(&edge.from, host) && within(&edge.to, gateway));
        assert!(!across, "{}: {} names {}", edge.place, edge.from, edge.to);
    }
}

#[test]
fn every_call_of_both_doors_goes_through_the_service() {
    let is_door = |module: &str| {
        let doors = ["crate::gateway::connection", "crate::gateway::rpc", "crate::view"];
        doors.iter().any(|door| within(module, door)) && !module.contains("::tests")
    };
    assert!(
        SOURCE.modules().filter(|module| is_door(module)).count() > 15,
        "the doors have moved: this test must follow"
    );
    for edge in SOURCE.edges().into_iter().filter(|edge| is_door(&edge.from)) {
        assert!(edge.to != "crate::command", "{}: {} submits by itself", edge.place, edge.from);
    }
    // Commands are built, and logs are read, by the service. That is no import of its own, so it is looked for by name.
    for (path, text) in files_of(&["src/gateway/connection", "src/gateway/rpc", "src/view"]) {
        for word in ["SessionLog", "LogReader", "LogView", "Command::", "QueueCommand"] {
            assert!(!text.contains(word), "{} names {word}", path.display());
        }
    }
}

/// The source files in these folders, but for tests.
fn files_of(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let mut folders: Vec<_> = folders.iter().map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a source folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with("tests") {
                folders.push(path);
            } else if path.is_file() {
                let text = std::fs::read_to_string(&path).expect("a source file");
                found.push((path, text));
            }
        }
    }
    assert!(found.len() > 15, "the folders have moved: this test must follow");
    found
}

#[test]
fn the_session_logic_has_no_io_clock_or_channels() {
    assert_pure(
        "crate::session",
        &[
            "acp_types",
            "acp_server::proto",
            "memchr",
            "schemars",
            "serde",
            "serde_json",
            "sha2",
            "thiserror",
            "tracing",
        ],
    );
}

#[test]
fn the_relay_for_editors_has_no_io_clock_or_channels() {
    assert_pure("crate::attach", &["acp_types", "acp_server::proto", "bytes", "serde_json", "tracing"]);
}

#[test]
fn the_protocol_with_remote_agents_has_no_io_clock_or_channels() {
    assert_pure("crate::remote_agent::protocol", &["acp_types", "bytes", "memchr", "serde", "serde_json", "thiserror"]);
}

#[test]
fn the_gateway_names_no_shape_of_a_version_of_acp() {
    // Payload types and method constants, of any version. What clients of a version ask for and are told is a view's.
    let of = &SOURCE;
    let mut looked = 0;
    for import in of.imports().into_iter().filter(|import| within(&import.from, "crate::gateway")) {
        looked += 1;
        let of_a_version = ["acp_types::v1", "acp_types::v2", "acp_types::method::v1", "acp_types::method::v2"]
            .iter()
            .any(|shapes| within(&import.path, shapes));
        assert!(!of_a_version, "{}: {} names {}: that is a view's", import.place, import.from, import.path);
    }
    assert!(looked > 50, "the gateway has moved: this test must follow");
    // Members of payloads. A param of the session API may have the name of one.
    let members = ["_meta", "configId", "modeId", "protocolVersion", "sessionId", "sessionUpdate", "update"];
    let written = literals_naming(&members, &|file| !file.to_string_lossy().contains("/src/gateway/"));
    assert!(written.is_empty(), "these make or read payloads, which is a view's:\n{}", written.join("\n"));
}

#[test]
fn names_of_capabilities_are_written_only_in_acp_types_and_the_view_of_a_version() {
    let names = [
        "agentCapabilities",
        "clientCapabilities",
        "loadSession",
        "mcpCapabilities",
        "promptCapabilities",
        "readTextFile",
        "sessionCapabilities",
        "terminal_output",
        "writeTextFile",
    ];
    let written = literals_naming(&names, &|file| file.to_string_lossy().contains("/src/view/v1/"));
    assert!(written.is_empty(), "use acp_types::capability:\n{}", written.join("\n"));
}

/// Literals outside of tests that are one of these words or have it in quotes, as JSON in a literal does. Files for which
/// `except` holds are left out.
fn literals_naming(words: &[&str], except: &dyn Fn(&Path) -> bool) -> Vec<String> {
    let names = |text: &str| words.iter().any(|word| text == *word || text.contains(&format!("\"{word}\"")));
    let found = SOURCE
        .literals()
        .filter(|literal| !literal.place.test && names(&literal.value) && !except(&literal.place.file));
    found.map(|literal| format!("{}: {:?}", literal.place, literal.value)).collect()
}

#[test]
fn a_word_is_found_in_a_literal_that_is_json() {
    let everywhere = |_: &Path| false;
    assert!(literals_naming(&["roles"], &everywhere).iter().any(|found| found.contains("controller")));
    assert!(literals_naming(&["no word of ours"], &everywhere).is_empty());
}

#[test]
fn the_core_of_the_gateway_knows_views_by_what_they_offer_and_no_version_of_one() {
    // The session API speaks version 1, and its params are made by that version's view; the command line shows the end of a
    // turn as clients are told it.
    let may = ["crate::gateway::rpc::methods", "crate::gateway"];
    let versions = |path: &str| within(path, "crate::view::v1") || within(path, "crate::view::v2");
    for edge in SOURCE.edges() {
        let core = within(&edge.from, "crate::gateway") && !may.contains(&edge.from.as_str());
        assert!(!core || !versions(&edge.to), "{}: {} names {}", edge.place, edge.from, edge.to);
    }
}

#[test]
fn names_of_methods_are_written_only_in_the_method_table() {
    let rows = [Version::V1, Version::V2].into_iter().flat_map(|version| version.methods().iter().map(|row| row.name));
    let names: Vec<&str> = rows.chain(proposed::METHODS).chain(meta::METHODS).collect();
    let written = SOURCE.literals_of(&names);
    assert!(written.is_empty(), "use the constant of acp_types::method or acp_types::meta:\n{}", written.join("\n"));
}

#[test]
fn the_session_logic_the_host_and_the_log_make_json_rpc_errors_only_at_their_doors() {
    // Where codes are made: modules called `door`. SQLite has codes of its own.
    let is_door = |module: &str| module.split("::").any(|part| part == "door");
    let inside = |module: &str| {
        ["crate::session", "crate::host", "crate::log"]
            .iter()
            .any(|room| module == *room || module.starts_with(&format!("{room}::")))
    };
    for import in SOURCE.imports() {
        let is_error = import.path.starts_with("acp_types")
            && ["ErrorCode", "ErrorObject", "ErrorObjectOwned"]
                .iter()
                .any(|name| import.path.split("::").any(|part| part == *name));
        if is_error && inside(&import.from) && !is_door(&import.from) {
            panic!("{}: {} names {}: an error is a type until the door", import.place, import.from, import.path);
        }
    }
}

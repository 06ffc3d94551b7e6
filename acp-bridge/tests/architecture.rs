//! What the architecture page says of the structure, read from the source.

use std::path::{Path, PathBuf};

fn sources(module: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = vec![root.join(format!("{module}.rs"))];
    let mut folders = vec![root.join(module)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a source folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).expect("a source file"))).collect()
}

fn assert_free_of(module: &str, words: &[&str]) {
    let sources = sources(module);
    assert!(sources.len() > 2, "{module} has moved: this test must follow it");
    for (path, text) in sources {
        for word in words {
            assert!(!text.contains(word), "{} names {word}", path.display());
        }
    }
}

#[test]
fn gateway_and_host_name_nothing_of_each_other() {
    assert_free_of("gateway", &["crate::host", "super::host"]);
    assert_free_of("host", &["crate::gateway", "super::gateway"]);
}

#[test]
fn every_call_of_both_doors_goes_through_the_service() {
    let doors = sources("gateway").into_iter().filter(|(path, _)| {
        let inside = |folder: &str| path.components().any(|part| part.as_os_str() == folder);
        !inside("sim") && !inside("tests") && !path.ends_with("sim.rs")
    });
    let doors: Vec<_> = doors.collect();
    for (path, text) in &doors {
        let named = |word: &str| text.contains(word);
        // Agents that dial in are handed to the host; they are no callers.
        assert!(!named(".bus()") || path.ends_with("gateway/dial.rs"), "{} speaks to the host", path.display());
        assert!(!named("log::submit"), "{} speaks to the host", path.display());
        let is_door = path.iter().any(|part| part == "connection" || part == "rpc");
        for word in ["SessionLog", "log::tail", "Command::", "QueueCommand"] {
            assert!(!is_door || !named(word), "{} names {word}", path.display());
        }
    }
    assert!(doors.len() > 20, "the doors have moved: this test must follow them");
}

#[test]
fn the_service_names_nothing_of_the_doors_or_the_host() {
    assert_free_of("service", &["crate::gateway", "crate::host", "super::gateway", "super::host"]);
}

#[test]
fn the_session_logic_has_no_io_clock_or_channels() {
    assert_free_of(
        "session",
        &["tokio", "std::io", "std::fs", "std::net", "SystemTime", "Instant::now", "mpsc", "async "],
    );
}

#[test]
fn the_relay_for_editors_has_no_io_clock_or_channels() {
    assert_free_of(
        "attach",
        &["tokio", "std::io", "std::fs", "std::net", "SystemTime", "Instant::now", "mpsc", "async "],
    );
}

#[test]
fn the_link_has_no_io_clock_or_channels() {
    assert_free_of(
        "link",
        &["tokio", "std::io", "std::fs", "std::net", "SystemTime", "Instant::now", "mpsc", "async "],
    );
}

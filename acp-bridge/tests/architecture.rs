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

#[test]
fn the_session_logic_the_host_and_the_log_make_json_rpc_errors_only_at_their_doors() {
    // Where codes are made: files called `door.rs`. SQLite has codes of its own.
    let is_door = |path: &Path| path.ends_with("door.rs") || path.ends_with("door/tests.rs");
    let is_sqlite = |path: &Path| path.ends_with("log/sqlite/failure.rs");
    for module in ["session", "host", "log"] {
        for (path, text) in sources(module).into_iter().filter(|(path, _)| !is_door(path) && !is_sqlite(path)) {
            for word in ["ErrorObject", "ErrorCode"] {
                assert!(!text.contains(word), "{} names {word}: an error is a type until the door", path.display());
            }
        }
    }
}

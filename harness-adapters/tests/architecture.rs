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
    assert!(found.len() > 2, "{module} has moved: this test must follow it");
    found.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).expect("a source file"))).collect()
}

#[test]
fn translators_have_no_io_clock_or_channels() {
    let impure = ["tokio", "std::io", "std::fs", "std::net", "std::env", "SystemTime", "Instant", "mpsc", "async fn"];
    for module in ["codex/translate", "codex/wire", "claude/translate", "claude/wire"] {
        for (path, text) in sources(module) {
            for word in impure {
                assert!(!text.contains(word), "{} names {word}", path.display());
            }
        }
    }
}

#[test]
fn harnesses_name_nothing_of_each_other() {
    for (module, other) in [("codex", "claude"), ("claude", "codex")] {
        for (path, text) in sources(module) {
            assert!(!text.contains(&format!("crate::{other}")), "{} names {other}", path.display());
        }
    }
}

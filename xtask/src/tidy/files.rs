//! Sizes and contents of tracked files.

use std::path::Path;

use crate::run::root;

/// Lines a file may have.
fn limit(path: &str) -> usize {
    match Path::new(path).file_name().and_then(|name| name.to_str()) {
        Some("lib.rs") => 150,
        Some("main.rs") => 60,
        _ => 500,
    }
}

/// What no tracked file may hold: unfinished code, paths of one machine, hosts of package registries. Spelled in parts,
/// so that this file does not hold them either.
fn banned() -> Vec<String> {
    [
        ["todo", "!("],
        ["unimplemented", "!("],
        ["/ro", "ot/"],
        ["/wo", "rk/"],
        ["registry.", "npmjs.org"],
        ["#[ign", "ore"],
    ]
    .iter()
    .map(|parts| parts.concat())
    .collect()
}

pub(super) fn faults(tracked: &[&str]) -> anyhow::Result<Vec<String>> {
    let banned = banned();
    let mut faults = Vec::new();
    for path in tracked {
        let Ok(text) = std::fs::read_to_string(root().join(path)) else { continue };
        if path.ends_with(".rs") {
            let (lines, limit) = (text.lines().count(), limit(path));
            if lines > limit {
                faults.push(format!("{path} has {lines} lines; {limit} is the limit: split it"));
            }
        }
        for word in &banned {
            if text.contains(word.as_str()) {
                faults.push(format!("{path} holds {word:?}"));
            }
        }
    }
    Ok(faults)
}

//! Packages of npm, pinned by lock files.

use crate::run::{execute, program, root};

/// The official TypeScript SDK.
pub(crate) const SDK: &str = "interop/ts";
/// The harnesses that have adapters.
pub(crate) const HARNESSES: &str = "harness-adapters/tests/npm";
/// The official adapters, which ours are measured against.
pub(crate) const OFFICIAL_ADAPTERS: &str = "interop/adapters";
/// acpx, and the Node that it needs.
pub(crate) const ACPX: &str = "interop/acpx";

/// Installs what a directory's lock file wants. Left alone when it is there.
pub(crate) fn install(directory: &str) -> anyhow::Result<()> {
    let directory = root().join(directory);
    // What is installed leaves out the packages of other systems, which are all optional.
    let packages = |file: &str| -> Option<serde_json::Map<String, serde_json::Value>> {
        let text = std::fs::read_to_string(directory.join(file)).ok()?;
        let lock: serde_json::Value = serde_json::from_str(&text).ok()?;
        let packages = lock["packages"].as_object()?.iter();
        Some(
            packages
                .filter(|(path, it)| !path.is_empty() && (it["optional"] != true || directory.join(path).exists()))
                .map(|(path, it)| (path.clone(), it["integrity"].clone()))
                .collect(),
        )
    };
    if packages("package-lock.json") == packages("node_modules/.package-lock.json") {
        return Ok(());
    }
    execute(program("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(directory))
}

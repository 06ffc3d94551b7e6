//! Packages of npm, pinned by lock files.

use anyhow::ensure;

use crate::run::{execute, program, root};

/// The official TypeScript SDK.
pub(crate) const SDK: &str = "interop/ts";
/// The harnesses that have adapters.
pub(crate) const HARNESSES: &str = "harness-adapters/tests/npm";
/// The official adapters, which ours are measured against.
pub(crate) const OFFICIAL_ADAPTERS: &str = "interop/adapters";
/// acpx, and the Node that it needs.
const ACPX: &str = "interop/acpx";
/// All that the tests need.
pub(crate) const PACKAGES: [&str; 4] = [SDK, HARNESSES, OFFICIAL_ADAPTERS, ACPX];

/// Installs what a directory's lock file wants. Left alone when it is there.
pub(crate) fn install(name: &str) -> anyhow::Result<()> {
    let directory = root().join(name);
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
    let installed = || packages("package-lock.json") == packages("node_modules/.package-lock.json");
    if installed() {
        return Ok(());
    }
    // acpx names packages of other systems that are optional and that not every registry has. `npm ci` refuses a lock
    // file without them; `npm install` takes it, and what it has installed is looked at below.
    let how: &[&str] = if name == ACPX { &["install", "--no-save"] } else { &["ci"] };
    execute(program("npm").args(how).args(["--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&directory))?;
    ensure!(
        installed(),
        "npm has installed something else into {name} than its lock file says; remove its node_modules"
    );
    Ok(())
}

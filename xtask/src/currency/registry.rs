//! The schema crate on the registry, read with cargo's own means.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use crate::run::{capture, cargo, root};

/// Versions of the protocol in a release of the crate.
pub(super) const PROTOCOLS: [&str; 2] = ["v1", "v2"];

/// The crate that ACP's schema is published in.
pub(super) const CRATE: &str = "agent-client-protocol-schema";
/// The crate whose version is that of all of ours.
const OWN: &str = "acp-types";
/// A program that prints the schemas of the release that it is built with.
const PROGRAM: &str = include_str!("program.rs.txt");

/// Release that the workspace builds on.
pub(super) fn in_use() -> anyhow::Result<String> {
    version_of(CRATE)
}

/// Version of our own crates.
pub(super) fn own_version() -> anyhow::Result<String> {
    version_of(OWN)
}

fn version_of(package: &str) -> anyhow::Result<String> {
    let id = capture(cargo().args(["pkgid", "--locked", package]))?;
    let version = id.trim().rsplit(['@', '#']).next().unwrap_or_default();
    Ok(version.to_owned())
}

/// The newest release. Cargo is asked from outside of the workspace, where it does not prefer the one in use.
pub(super) fn newest() -> anyhow::Result<String> {
    let outside = tempfile::tempdir()?;
    let text = capture(cargo().current_dir(outside.path()).args(["info", CRATE]))?;
    version_in(&text).with_context(|| format!("`cargo info {CRATE}` names no version"))
}

/// The newest version in what `cargo info` prints: `version: 1.15.1 (latest 1.20.0)` where it shows an older one.
fn version_in(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("version: "))?;
    let newest = line.split_once("(latest ").map_or(line, |(_, latest)| latest);
    Some(newest.split([' ', ')']).next()?.to_owned())
}

/// The JSON Schemas of a release, by file name: a throwaway project depends on exactly this release, and prints them.
pub(super) fn schemas(release: &str) -> anyhow::Result<BTreeMap<String, Value>> {
    let project = tempfile::tempdir()?;
    let at = project.path();
    std::fs::create_dir(at.join("src"))?;
    std::fs::write(at.join("src/main.rs"), PROGRAM)?;
    std::fs::write(at.join("Cargo.toml"), manifest(release))?;
    let mut schemas = BTreeMap::new();
    for (features, name) in [("", "schema.json"), ("unstable", "schema.unstable.json")] {
        let printed = run(at, features)?;
        for (line, protocol) in printed.lines().zip(PROTOCOLS) {
            let schema = serde_json::from_str(line).with_context(|| format!("{protocol}/{name} of {release}"))?;
            schemas.insert(format!("{protocol}/{name}"), schema);
        }
    }
    Ok(schemas)
}

fn run(project: &Path, features: &str) -> anyhow::Result<String> {
    let mut command = cargo();
    command.current_dir(project).env("CARGO_TARGET_DIR", root().join("target/currency"));
    capture(command.args(["run", "--quiet", "--features", features]))
}

fn manifest(release: &str) -> String {
    format!(
        "[package]\nname = \"schemas\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[workspace]\n\n\
         [features]\nunstable = [\"{CRATE}/unstable\"]\n\n[dependencies]\n\
         {CRATE} = {{ version = \"={release}\", features = [\"schemars\", \"unstable_protocol_v2\"] }}\n\
         schemars = \"1\"\nserde_json = {{ version = \"1\", features = [\"preserve_order\"] }}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn the_newest_version_is_found_wherever_cargo_names_it() {
        let info = |version: &str| format!("a-crate #tag\nA crate\nversion: {version}\nrust-version: 1.88.0\n");
        assert_eq!(version_in(&info("1.20.0")).as_deref(), Some("1.20.0"));
        assert_eq!(version_in(&info("1.15.1 (latest 1.20.0)")).as_deref(), Some("1.20.0"));
        assert_eq!(version_in(&info("0.1.0 (from ./here)")).as_deref(), Some("0.1.0"));
        assert_eq!(version_in("nothing"), None);
    }
}

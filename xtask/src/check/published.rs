//! What those rely on who take the crates from a registry: that they package, the oldest Rust, and small trees.

use anyhow::{Context, bail};
use serde_json::Value;

use crate::run::{capture, cargo, execute, program, say};

/// Sets of features with crates that must not be in their tree: what somebody takes a small set to be without.
const WITHOUT: &[(&str, &[&str], &[&str])] = &[
    ("acp-types", &[], &["tokio", "futures-util", "jsonrpsee", "schemars"]),
    ("acp-types", &["--features", "schema"], &["tokio", "futures-util", "jsonrpsee"]),
    // The connection core must not be able to do I/O.
    ("acp-server", &["--no-default-features"], &["tokio", "futures-util", "rustix", "tracing"]),
];

/// Every crate that is published becomes a package, with what it includes and versions beside paths.
pub(super) fn packages() -> anyhow::Result<()> {
    let mut package = cargo();
    package.args(["package", "--locked", "--quiet", "--workspace", "--no-verify", "--allow-dirty"]);
    for name in
        members()?.iter().filter(|member| member["publish"].is_array()).filter_map(|member| member["name"].as_str())
    {
        package.args(["--exclude", name]);
    }
    execute(&mut package)
}

/// The crates compile with the oldest Rust that they name, where it is installed.
pub(super) fn oldest_rust() -> anyhow::Result<()> {
    let members = members()?;
    let versions = members.iter().filter_map(|member| member["rust_version"].as_str());
    let oldest = versions.max().context("no crate names the oldest Rust that it works with")?;
    let there = program("rustup").args(["run", oldest, "cargo", "--version"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        say(&format!(
            "Rust {oldest} is not installed: whether the crates compile with it was not checked. `rustup toolchain install \
             {oldest} --profile minimal` installs it"
        ));
        return Ok(());
    }
    let check = ["check", "--locked", "--quiet", "--workspace", "--all-features", "--target-dir", "target/oldest-rust"];
    execute(
        program("rustup").args(["run", oldest, "cargo"]).args(check).env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO"),
    )
}

pub(super) fn small_trees() -> anyhow::Result<()> {
    for (package, features, without) in WITHOUT {
        let tree = ["tree", "--locked", "--package", package, "--edges", "normal", "--prefix", "none"];
        let tree = capture(cargo().args(tree).args(*features))?;
        let found = tree.lines().find(|line| without.iter().any(|name| line.split(' ').next() == Some(name)));
        if let Some(line) = found {
            bail!("{package} {} depends on {line}; who takes it so must be without", features.join(" "));
        }
    }
    Ok(())
}

fn members() -> anyhow::Result<Vec<Value>> {
    let metadata = capture(cargo().args(["metadata", "--locked", "--no-deps", "--format-version", "1"]))?;
    let mut metadata: Value = serde_json::from_str(&metadata)?;
    serde_json::from_value(metadata["packages"].take()).context("cargo metadata has no packages")
}

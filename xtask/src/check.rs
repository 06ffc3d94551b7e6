//! `cargo xtask check`: format, clippy, docs, features, packages, structure.

mod published;

use crate::run::{OFFICIAL_PEER, cargo, execute, has, root, say};
use crate::tidy;

pub(crate) fn run() -> anyhow::Result<()> {
    for directory in [".", "interop", OFFICIAL_PEER, "fuzz"] {
        execute(cargo().args(["fmt", "--all", "--check"]).current_dir(root().join(directory)))?;
    }
    execute(cargo().args([
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ]))?;
    let clippy = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    for directory in ["interop", OFFICIAL_PEER] {
        execute(cargo().args(clippy).current_dir(root().join(directory)))?;
    }
    // The fuzzing engine is C++ and only needed to run the targets; linting them needs neither.
    let no_engine = ("CUSTOM_LIBFUZZER_PATH", "unused/libfuzzer.a");
    execute(cargo().args(clippy).env(no_engine.0, no_engine.1).current_dir(root().join("fuzz")))?;
    execute(
        cargo()
            .args(["doc", "--locked", "--workspace", "--all-features", "--no-deps", "--document-private-items"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    for features in [&["--no-default-features"][..], &[]] {
        for package in ["acp-types", "acp-server"] {
            execute(cargo().args(["check", "--locked", "--quiet", "--package", package]).args(features))?;
        }
    }
    published::small_trees()?;
    published::packages()?;
    published::oldest_rust()?;
    licences()?;
    tidy::run()
}

/// Licences, duplicates and sources of dependencies, where the tool for that is installed.
fn licences() -> anyhow::Result<()> {
    if !has("cargo-deny") {
        say("cargo-deny is not installed: licences and sources of dependencies were not checked");
        return Ok(());
    }
    execute(cargo().args(["deny", "--all-features", "check", "licenses", "bans", "sources"]))
}

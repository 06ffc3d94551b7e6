//! Where the programs under test are.

use std::path::{Path, PathBuf};

/// The scripted model, which lies beside `acp-harness`.
pub(crate) fn model_program() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_acp-harness")).with_file_name("acp-conformance");
    assert!(program.is_file(), "{} is missing: run `cargo build -p conformance --bins`", program.display());
    program
}

/// The native program of a harness, as npm installed it.
pub(crate) fn harness(name: &str) -> PathBuf {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/npm/node_modules");
    let (os, arch) = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("macos", "aarch64") => ("darwin", "arm64"),
        ("macos", _) => ("darwin", "x64"),
        (_, "aarch64") => ("linux", "arm64"),
        _ => ("linux", "x64"),
    };
    let program = match name {
        "codex" => {
            let machine = if arch == "arm64" { "aarch64" } else { "x86_64" };
            let system = if os == "darwin" { "apple-darwin" } else { "unknown-linux-musl" };
            modules.join(format!("@openai/codex-{os}-{arch}/vendor/{machine}-{system}/bin/codex"))
        }
        "claude" => modules.join(format!("@anthropic-ai/claude-code-{os}-{arch}/claude")),
        other => panic!("no harness is called {other}"),
    };
    assert!(
        program.is_file(),
        "{} is missing: run `npm ci` in harness-adapters/tests/npm, as `cargo xtask test` does",
        program.display()
    );
    program
}

/// The official adapter of a harness, as npm installed it.
pub(crate) fn official(name: &str) -> PathBuf {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../interop/adapters/node_modules/.bin");
    let program = programs.join(if name == "codex" { "codex-acp" } else { "claude-agent-acp" });
    assert!(
        program.exists(),
        "{} is missing: run `npm ci` in interop/adapters, as `cargo xtask test` does",
        program.display()
    );
    program
}

//! `cargo xtask test`: installs what the tests need, runs everything, says what was and was not exercised.
//! Every test that the documentation names has to have run.

mod leftovers;
mod named;
mod report;
mod tools;

use std::process::Command;
use std::time::Instant;

use anyhow::bail;

use crate::npm;
use crate::run::{self, OFFICIAL_PEER, execute, has, root, say};

/// One part of the suite and what it exercises.
struct Part {
    name: &'static str,
    exercises: &'static str,
    /// Runs it and says how many tests passed.
    run: fn() -> anyhow::Result<u64>,
}

const PARTS: &[Part] = &[
    Part {
        name: "workspace",
        exercises: "types, connection core, transports, log on SQLite and in memory, session machine, gateway, the \
                    bridge as a process with kill -9, bad input, bad agents; the real Codex 0.171.0 and Claude Code \
                    2.1.332 against a scripted model, alone and behind the bridge, as root and as somebody else; acpx 0.19.1 and \
                    one of its flows through `acp-bridge attach`; the browser example in Chromium",
        run: workspace,
    },
    Part { name: "docs", exercises: "the examples in the documentation", run: doc_tests },
    Part {
        name: "interop",
        exercises: "official Rust SDK 5.2.0 and TypeScript SDK 2.4.0 over stdio and WebSocket, both directions",
        run: interop,
    },
    Part {
        name: "demo",
        exercises: "cargo xtask demo --once: real Codex, scripted model, official TypeScript SDK as client",
        run: demo,
    },
];

/// Not run here, and why; shown so that nobody takes silence for coverage.
const NOT_EXERCISED: &[(&str, &str)] = &[
    (
        "fuzz targets",
        "need cargo-fuzz and a nightly compiler; the same operations run as property tests in `workspace`",
    ),
    ("benchmarks", "cargo xtask bench"),
    ("the harnesses with a real model and a real login", "need an account; `cargo xtask demo` offers it"),
    ("Gemini CLI, opencode, OpenClaw", "only their launch profiles are checked, not the programs"),
    ("macOS", "only Linux is tested"),
    ("a power cut", "fsync before delivery is checked by what the log asks of SQLite, not by cutting power"),
];

pub(crate) fn run() -> anyhow::Result<()> {
    install()?;
    let mut failed = Vec::new();
    let mut table = Vec::new();
    for part in PARTS {
        say(&format!("\n== {}: {}", part.name, part.exercises));
        let start = Instant::now();
        let outcome = (part.run)();
        let seconds = start.elapsed().as_secs();
        let verdict = match outcome {
            Ok(0) => "nothing to run".to_owned(),
            Ok(count) => format!("{count} passed"),
            Err(error) => {
                say(&format!("FAILED {}: {error:#}", part.name));
                failed.push(part.name);
                "FAILED".to_owned()
            }
        };
        table.push((part, verdict, seconds));
    }
    say("\nexercised:");
    for (part, verdict, seconds) in &table {
        say(&format!("  {:<10} {verdict:<14} {seconds:>4} s  {}", part.name, part.exercises));
    }
    say("not exercised:");
    for (what, why) in NOT_EXERCISED {
        say(&format!("  {what}: {why}"));
    }
    leftovers::check()?;
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// What the tests need beyond Rust and a C compiler: Node with the official SDK and the harnesses, and some tools.
fn install() -> anyhow::Result<()> {
    if !has("node") || !has("npm") {
        bail!("node and npm are needed (Node 20 or newer): install Node and run this again");
    }
    tools::install()?;
    // Downloads wait for the network and the compiler for the processor.
    std::thread::scope(|scope| {
        let packages = scope.spawn(|| npm::PACKAGES.iter().try_for_each(|directory| npm::install(directory)));
        let built = run::build_programs(&mut cargo());
        let installed = packages.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the installation panicked")));
        installed.and(built)
    })
}

/// A cargo whose processes, and theirs, can be told from all others.
fn cargo() -> Command {
    let mut cargo = run::cargo();
    leftovers::mark(&mut cargo);
    cargo
}

fn workspace() -> anyhow::Result<u64> {
    // The tests start the examples as programs; `cargo test` alone would build them as tests.
    run::build_programs(&mut cargo())?;
    let tests = ["test", "--locked", "--workspace", "--all-features", "--no-fail-fast", "--lib", "--bins", "--tests"];
    let sources = named::build(cargo().args(tests))?;
    let report = report::of(cargo().args(tests))?;
    named::check(&report, &sources)?;
    Ok(report.passed)
}

fn doc_tests() -> anyhow::Result<u64> {
    let report = report::of(cargo().args(["test", "--locked", "--workspace", "--all-features", "--doc"]))?;
    Ok(report.passed)
}

fn interop() -> anyhow::Result<u64> {
    // The interoperability tests start our programs from the workspace's own target directory.
    run::build_programs(&mut cargo())?;
    execute(cargo().args(["build", "--locked"]).current_dir(root().join(OFFICIAL_PEER)))?;
    let directory = root().join("interop");
    execute(cargo().args(["build", "--locked", "--workspace"]).current_dir(&directory))?;
    let report =
        report::of(cargo().args(["test", "--locked", "--workspace", "--no-fail-fast"]).current_dir(&directory))?;
    Ok(report.passed)
}

fn demo() -> anyhow::Result<u64> {
    execute(cargo().args(["xtask", "demo", "--once"]))?;
    Ok(1)
}

//! Running other programs from the root of the workspace.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{ChildStdout, Command};
use std::sync::mpsc::{Receiver, channel};

use anyhow::{Context, bail};
use serde_json::Value;

/// The workspace of the peers on the official Rust SDK, below the root of ours.
pub(crate) const OFFICIAL_PEER: &str = "interop/official-peer";

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map_or(manifest.clone(), std::path::Path::to_path_buf)
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// A program, run in the root of the workspace.
pub(crate) fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    command
}

/// Runs a command, shown before, and fails when it fails.
pub(crate) fn execute(command: &mut Command) -> anyhow::Result<()> {
    let shown = show(command);
    say(&format!("$ {shown}"));
    let status = command.status().with_context(|| format!("{shown}: cannot be started; is it installed?"))?;
    if !status.success() {
        bail!("{shown}: {status}");
    }
    Ok(())
}

/// Builds every program and example of the workspace. All who need some build all, with the same features: another set of
/// either would compile most dependencies once more.
pub(crate) fn build_programs(cargo: &mut Command) -> anyhow::Result<()> {
    execute(cargo.args(["build", "--locked", "--workspace", "--all-features", "--bins", "--examples"]))
}

/// Runs a command and returns what it printed.
pub(crate) fn capture(command: &mut Command) -> anyhow::Result<String> {
    let shown = show(command);
    let output = command.output().with_context(|| format!("{shown}: cannot be started; is it installed?"))?;
    if !output.status.success() {
        bail!("{shown}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Lines of JSON that a program prints, as they come. Other lines are left out.
pub(crate) fn json_lines(stdout: ChildStdout) -> Receiver<Value> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let Ok(value) = serde_json::from_str(&line) else { continue };
            if sender.send(value).is_err() {
                break;
            }
        }
    });
    lines
}

/// Whether a program is there and says its version.
pub(crate) fn has(name: &str) -> bool {
    Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Lines for the person at the terminal, which obeys nothing of what an agent said. `acp_types::printable` shows more, but
/// this program is built before all others, and does without them.
#[expect(clippy::print_stdout, reason = "xtask talks to a person")]
pub(crate) fn say(text: &str) {
    let is_fine = |char: char| char == '\n' || !char.is_control();
    let shown: String = text
        .chars()
        .map(|char| if is_fine(char) { char.to_string() } else { char.escape_unicode().to_string() })
        .collect();
    println!("{shown}");
}

/// A command as a person would type it.
pub(crate) fn show(command: &Command) -> String {
    let mut text = std::path::Path::new(command.get_program())
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    let below = command.get_current_dir().and_then(|directory| directory.strip_prefix(root()).ok());
    if let Some(below) = below.filter(|below| !below.as_os_str().is_empty() && below.as_os_str() != ".") {
        text.push_str(&format!("    (in {})", below.display()));
    }
    text
}

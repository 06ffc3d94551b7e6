//! Arguments as typed; no logic.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

/// Coding harnesses as ACP agents on stdin and stdout.
#[derive(Debug, Parser)]
#[command(
    name = "acp-harness",
    version,
    about,
    after_help = "\
acp-harness NAME runs any other known harness, as `acp-harness list` shows them.
Profiles of your own: acp-harness/profiles.toml in $XDG_CONFIG_HOME or ~/.config, or where ACP_HARNESS_PROFILES says.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the harness is not installed or cannot be started."
)]
pub(super) struct Args {
    /// Log more to stderr: -v life-cycle, -vv every message. `ACP_HARNESS_LOG` takes a filter instead.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the Codex CLI as an ACP agent.
    Codex(RunCodex),
    /// Run Claude Code as an ACP agent.
    Claude(Run),
    /// Show the known harnesses and what is installed.
    List(List),
    /// Print where a harness's program is: exit code 2 for a name that nobody knows, 3 when it is not installed.
    Which(Which),
    /// Check a harness: program, version, login, and one turn against a scripted model. Fails when one of them is not as
    /// it has to be, also when nobody is logged in.
    Doctor(Doctor),
    /// Run a harness that speaks ACP itself, by the name of its profile; further words are arguments for it.
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

#[derive(Debug, ClapArgs)]
pub(super) struct Run {
    /// The harness's program. Without it, it is looked for.
    #[arg(long, value_name = "PATH")]
    pub(super) program: Option<PathBuf>,
    /// Write everything that happens to each session into a file there, prompts and file contents included.
    #[arg(long, value_name = "DIR")]
    pub(super) record: Option<PathBuf>,
    /// Let hold what settings say without being asked: a mode that does not ask, and a repository's own settings, hooks
    /// and MCP servers.
    #[arg(long)]
    pub(super) trust_settings: bool,
    /// Further arguments for the harness.
    #[arg(last = true, value_name = "ARG")]
    pub(super) args: Vec<OsString>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct RunCodex {
    /// The mode that new sessions begin in, such as `read-only`. Without it, Codex's own configuration decides.
    #[arg(long, value_name = "MODE")]
    pub(super) mode: Option<String>,
    #[command(flatten)]
    pub(super) run: Run,
}

#[derive(Debug, ClapArgs)]
pub(super) struct List {
    /// One JSON object per line.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Which {
    /// As `acp-harness list` shows it.
    pub(super) name: String,
    /// One JSON object: the program, and what the harness keeps of skills and the like, for a client that serves files.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Doctor {
    /// As `acp-harness list` shows it.
    pub(super) name: String,
    /// The harness's program. Without it, it is looked for.
    #[arg(long, value_name = "PATH")]
    pub(super) program: Option<PathBuf>,
    /// One JSON object per check.
    #[arg(long)]
    pub(super) json: bool,
}

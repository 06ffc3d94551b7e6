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
acp-harness NAME runs any other harness that `acp-harness list` shows.
Your own profiles: acp-harness/profiles.toml in $XDG_CONFIG_HOME or ~/.config, or the file in ACP_HARNESS_PROFILES.
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
    /// Print the path of a harness's program. Exit code 2: unknown name. Exit code 3: not installed.
    Which(Which),
    /// Check a harness: program, version, login, and one turn against a scripted model. Fails when a check fails, also
    /// when nobody is logged in.
    Doctor(Doctor),
    /// Run a harness that speaks ACP itself, by the name of its profile. Further words are arguments for it.
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

#[derive(Debug, ClapArgs)]
pub(super) struct Run {
    /// The harness's program. By default it is searched for.
    #[arg(long, value_name = "PATH")]
    pub(super) program: Option<PathBuf>,
    /// Write all inputs of each session into a file in this directory, prompts and file contents included.
    #[arg(long, value_name = "DIR")]
    pub(super) record: Option<PathBuf>,
    /// Trust settings without a question: a mode that does not ask, and a repository's own settings, hooks and MCP
    /// servers.
    #[arg(long)]
    pub(super) trust_settings: bool,
    /// Further arguments for the harness.
    #[arg(last = true, value_name = "ARG")]
    pub(super) args: Vec<OsString>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct RunCodex {
    /// The mode of new sessions, such as `read-only`. By default Codex's own configuration decides.
    #[arg(long, value_name = "MODE")]
    pub(super) mode: Option<String>,
    #[command(flatten)]
    pub(super) run: Run,
}

#[derive(Debug, ClapArgs)]
pub(super) struct List {
    /// Print one JSON object per line.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Which {
    /// The name that `acp-harness list` shows.
    pub(super) name: String,
    /// Print one JSON object: the program, and the files of the harness that its client has to serve, such as skills.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Doctor {
    /// The name that `acp-harness list` shows.
    pub(super) name: String,
    /// The harness's program. By default it is searched for.
    #[arg(long, value_name = "PATH")]
    pub(super) program: Option<PathBuf>,
    /// Print one JSON object per check.
    #[arg(long)]
    pub(super) json: bool,
}

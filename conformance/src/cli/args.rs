//! Arguments as typed; no logic.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

/// Test tools for people who implement ACP.
#[derive(Debug, Parser)]
#[command(name = "acp-conformance", version, about, after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage.")]
pub(super) struct Args {
    /// Log more to stderr: -v life-cycle, -vv every request. `ACP_CONFORMANCE_LOG` takes a filter instead.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve a scripted model: OpenAI Responses and Anthropic Messages on one local port, no key needed.
    #[command(after_help = "\
Example: acp-conformance model --script tools.toml --listen :4480
  Codex:       base_url = \"http://127.0.0.1:4480/v1\" of a model provider in config.toml
  Claude Code: ANTHROPIC_BASE_URL=http://127.0.0.1:4480 ANTHROPIC_API_KEY=test-key")]
    Model(Model),
}

#[derive(Debug, ClapArgs)]
pub(super) struct Model {
    /// What the model says, as TOML. Without it every prompt gets a short text.
    #[arg(long, value_name = "FILE")]
    pub(super) script: Option<PathBuf>,
    /// Loopback address and port; `:0` picks a free port.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    pub(super) listen: String,
    /// Print where it listens as one JSON line.
    #[arg(long)]
    pub(super) json: bool,
    /// Append every request of a harness to this file, one JSON object per line.
    #[arg(long, value_name = "FILE")]
    pub(super) requests: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }
}

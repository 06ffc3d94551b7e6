//! Arguments that name an agent, and of the commands that put one somewhere.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::common::Url;
use crate::cli::amount;

/// What agents may reach beside the directories of their sessions.
#[derive(Debug, Default, ClapArgs)]
pub(in crate::cli) struct Reach {
    /// Serve these files and directories to agents as well, to be read. No link leads out of one. With `--agent NAME` the
    /// folders in which that harness keeps its skills are among them.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(in crate::cli) allow_read: Vec<PathBuf>,
    /// The same, to be read and written.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(in crate::cli) allow_write: Vec<PathBuf>,
}

/// The agent behind the bridge.
#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Agent {
    /// A harness by name, as `acp-harness list` shows it: codex, claude, gemini, opencode, openclaw, or one of your own.
    #[arg(long = "agent", value_name = "NAME", conflicts_with = "command")]
    pub(in crate::cli) name: Option<String>,
    /// The agent's command line.
    #[arg(last = true, value_name = "AGENT CMD")]
    pub(in crate::cli) command: Vec<String>,
}

impl Agent {
    pub(in crate::cli) fn is_named(&self) -> bool {
        self.name.is_some() || !self.command.is_empty()
    }
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Attach {
    #[command(flatten)]
    pub(in crate::cli) url: Url,
    /// Answer the editor's first `session/new` with this session, as `sessions` shows it.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) session: Option<String>,
    /// The session log of the bridge: `sqlite:FILE`; else one in the state directory that the agent always gets.
    #[arg(long, env = "ACP_BRIDGE_LOG_URL", value_name = "URL")]
    pub(in crate::cli) log: Option<String>,
    /// Environment variables that the agents get from here. Another value of one is another bridge.
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',')]
    pub(in crate::cli) env_from_client: Vec<String>,
    /// What the agents may reach. Other paths are another bridge.
    #[command(flatten)]
    pub(in crate::cli) reach: Reach,
    #[command(flatten)]
    pub(in crate::cli) agent: Agent,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Dial {
    #[command(flatten)]
    pub(in crate::cli) url: Url,
    /// The session, as `sessions` shows it.
    #[arg(long, value_name = "ID", required_unless_present = "instance")]
    pub(in crate::cli) session: Option<String>,
    /// The agent's name in the session; made if there is none. 1 to 64 letters, digits, dots, hyphens and underscores. `main`
    /// is for a session that was created without an agent.
    #[arg(long, value_name = "NAME", required_unless_present = "instance")]
    pub(in crate::cli) lane: Option<String>,
    /// What the session calls the agent; the name of its program by default.
    #[arg(long = "name", value_name = "NAME")]
    pub(in crate::cli) called: Option<String>,
    /// How long the agent goes on without a bridge: `10m`, `30s`. Then it is stopped, and this program ends.
    #[arg(long, value_name = "AFTER", default_value = "10m", value_parser = amount::duration)]
    pub(in crate::cli) give_up: std::time::Duration,
    /// How a bridge that has started this waits for it.
    #[arg(long, value_name = "ID", hide = true)]
    pub(in crate::cli) instance: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) reach: Reach,
    #[command(flatten)]
    pub(in crate::cli) agent: Agent,
}

//! Arguments of the commands that look after bridges.

use clap::Args as ClapArgs;

use super::agent::Agent;
use super::common::{DEFAULT_LOG, Url};
use crate::cli::amount;

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Bridges {
    /// One JSON object per line.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Stop {
    /// The bridge that answers here; `acp-bridge bridges` shows those that `attach` has started.
    #[arg(long)]
    pub(in crate::cli) url: Option<String>,
    /// Without --url: the session log of the bridge, `sqlite:FILE`.
    #[arg(long, env = "ACP_BRIDGE_LOG_URL", default_value = DEFAULT_LOG, value_name = "URL")]
    pub(in crate::cli) log: String,
    /// How long it may take to end.
    #[arg(long, default_value = "30s", value_parser = amount::duration)]
    pub(in crate::cli) timeout: std::time::Duration,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Doctor {
    #[command(flatten)]
    pub(in crate::cli) url: Url,
    /// Also check this log file: `sqlite:FILE`.
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) log: Option<String>,
    /// One JSON object per line.
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(in crate::cli) agent: Agent,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Detach {
    /// Of the program to start.
    #[arg(last = true)]
    pub(in crate::cli) arguments: Vec<String>,
}

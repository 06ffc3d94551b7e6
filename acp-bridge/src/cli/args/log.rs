//! Commands about a session log.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::common::DEFAULT_LOG;
use crate::cli::amount;

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Export {
    /// Its id, as `sessions` shows it.
    pub(in crate::cli) session: String,
    /// The session log: `sqlite:FILE`.
    #[arg(long, env = "ACP_BRIDGE_LOG_URL", default_value = DEFAULT_LOG, value_name = "URL")]
    pub(in crate::cli) log: String,
    /// From a running bridge instead. The agent's own session id is not in it: after an import the agent starts anew.
    #[arg(long, conflicts_with = "log")]
    pub(in crate::cli) url: Option<String>,
    /// Only what came after this cursor. Such a part cannot be imported.
    #[arg(long, default_value_t = 0, value_name = "SEQ")]
    pub(in crate::cli) after: u64,
    /// Write this file instead of stdout; it appears once it is complete.
    #[arg(long, short, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// Say what was written as one JSON line.
    #[arg(long, requires = "output")]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Import {
    /// The export; `-` reads stdin.
    pub(in crate::cli) file: PathBuf,
    /// The session log: `sqlite:FILE`. It is made when there is none.
    #[arg(long, env = "ACP_BRIDGE_LOG_URL", default_value = DEFAULT_LOG, value_name = "URL")]
    pub(in crate::cli) log: String,
    /// Give the session a new id, for a copy beside the original.
    #[arg(long)]
    pub(in crate::cli) new_id: bool,
    /// The directory for secrets of the bridge that serves the log, as for `serve`.
    #[arg(long, env = "ACP_BRIDGE_SECRETS", value_name = "DIR")]
    pub(in crate::cli) secrets: Option<PathBuf>,
    /// Say what was imported as one JSON line.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Compact {
    /// The session log: `sqlite:FILE`.
    #[arg(long, env = "ACP_BRIDGE_LOG_URL", default_value = DEFAULT_LOG, value_name = "URL")]
    pub(in crate::cli) log: String,
    /// First trim updates that are older than this: `30d`, `12h`.
    #[arg(long, value_name = "AGE", value_parser = amount::age)]
    pub(in crate::cli) trim_before: Option<std::time::Duration>,
    /// First trim the oldest updates of each session beyond this size: `1GiB`, `500MB`.
    #[arg(long, value_name = "SIZE", value_parser = amount::size)]
    pub(in crate::cli) keep_size: Option<u64>,
    /// Say what it came to as one JSON line.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

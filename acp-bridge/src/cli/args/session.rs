//! Commands about the sessions of a running bridge.

use std::path::PathBuf;

use acp_types::meta::{AfterRestart, OnBusy};
use clap::{Args as ClapArgs, Subcommand};

use super::common::{DEFAULT_URL, Url};

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Chat {
    #[command(flatten)]
    pub(in crate::cli) url: Url,
    /// Go on with this session instead of starting one.
    #[arg(long)]
    pub(in crate::cli) session: Option<String>,
    /// Working directory of a new session; the current one by default.
    #[arg(long)]
    pub(in crate::cli) cwd: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Sessions {
    #[command(flatten)]
    pub(in crate::cli) url: Url,
    /// One JSON object per line.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Tail {
    #[command(flatten)]
    pub(in crate::cli) url: Url,
    /// Its id, as `sessions` shows it.
    pub(in crate::cli) session: String,
    /// Only what came after this cursor: the `seq` of the last record you have.
    #[arg(long, default_value_t = 0, value_name = "SEQ")]
    pub(in crate::cli) after: u64,
    /// Stay and show what comes.
    #[arg(long, short)]
    pub(in crate::cli) follow: bool,
    /// Every message as one JSON line, as ACP clients get it.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Trust {
    #[command(flatten)]
    pub(in crate::cli) url: Url,
    /// Its id, as `sessions` shows it.
    pub(in crate::cli) session: String,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Cancel {
    #[command(flatten)]
    pub(in crate::cli) url: Url,
    /// Its id, as `sessions` shows it.
    pub(in crate::cli) session: String,
    /// This turn, running or queued, instead of the running one.
    #[arg(long)]
    pub(in crate::cli) turn: Option<u64>,
    /// Everything that waits, instead of what runs.
    #[arg(long, conflicts_with_all = ["turn", "all"])]
    pub(in crate::cli) queued: bool,
    /// What runs and everything that waits.
    #[arg(long, conflicts_with = "turn")]
    pub(in crate::cli) all: bool,
    /// Why, for those who read the log.
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: Option<String>,
    /// What runs in this lane, instead of `main`.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) lane: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Queue {
    /// The running bridge.
    #[arg(long, env = "ACP_BRIDGE_URL", default_value = DEFAULT_URL, global = true)]
    pub(in crate::cli) url: String,
    /// Its id, as `sessions` shows it.
    pub(in crate::cli) session: String,
    /// One JSON object per line.
    #[arg(long, global = true)]
    pub(in crate::cli) json: bool,
    #[command(subcommand)]
    pub(in crate::cli) change: Option<QueueChange>,
}

/// What to do with one prompt that waits.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum QueueChange {
    /// Give it another text.
    Edit {
        /// Its turn, as `queue` shows it.
        turn: u64,
        /// The prompt.
        text: String,
    },
    /// Give it another place; without `--before`, behind all.
    Move {
        /// Its turn, as `queue` shows it.
        turn: u64,
        /// The turn that it is to run before.
        #[arg(long, value_name = "TURN")]
        before: Option<u64>,
    },
    /// Take it out.
    Withdraw {
        /// Its turn, as `queue` shows it.
        turn: u64,
    },
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Lanes {
    #[command(flatten)]
    pub(in crate::cli) url: Url,
    /// Its id, as `sessions` shows it.
    pub(in crate::cli) session: String,
    /// One JSON object per lane.
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(subcommand)]
    pub(in crate::cli) change: Option<LanesChange>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum LanesChange {
    /// Start one more agent in the session.
    Add {
        /// 1 to 64 letters, digits, dots, hyphens and underscores.
        name: String,
        /// A harness by name, as `acp-harness list` shows it where the bridge runs.
        #[arg(long, value_name = "PROFILE")]
        agent: String,
    },
    /// Cancel what a lane runs and queues, and stop its agent.
    Remove {
        /// Not `main`.
        name: String,
    },
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Send {
    #[command(flatten)]
    pub(in crate::cli) url: Url,
    /// Its id, or `new` for a new session in the current directory.
    pub(in crate::cli) session: String,
    /// The prompt.
    pub(in crate::cli) text: String,
    /// The agent that is to get it, as `lanes` shows it; `main` by default.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) lane: Option<String>,
    /// Sending again with the same key never runs the prompt twice.
    #[arg(long)]
    pub(in crate::cli) key: Option<String>,
    /// While a turn runs or waits: `queue`, `reject`, `interrupt` it, or `steer` it (put the message into it).
    #[arg(long, default_value_t = OnBusy::Queue, value_name = "WHAT")]
    pub(in crate::cli) on_busy: OnBusy,
    /// If the bridge is started again while the prompt waits: `wait` for a client, or `run`.
    #[arg(long, default_value_t = AfterRestart::Wait, value_name = "WHAT")]
    pub(in crate::cli) after_restart: AfterRestart,
    /// Every message as one JSON line, as it came.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

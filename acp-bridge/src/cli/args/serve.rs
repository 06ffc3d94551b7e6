//! Arguments of the commands that run a bridge, or one side of it.

use std::path::PathBuf;

use acp_types::meta::Unattended;
use clap::{Args as ClapArgs, ValueEnum};

use super::agent::{Agent, Reach};
use super::common::{DEFAULT_LISTEN, DEFAULT_LOG};
use crate::cli::amount;
use crate::gateway::Origin;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Durability {
    /// What a client saw survives a power cut.
    Fsync,
    /// It survives `kill -9`, not a power cut; latency is lower.
    Os,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Serve {
    /// Loopback address and port; `:0` picks a free port.
    #[arg(long, env = "ACP_BRIDGE_LISTEN", default_value = DEFAULT_LISTEN, value_name = "ADDR")]
    pub(in crate::cli) listen: String,
    /// The session log: `sqlite:FILE`.
    #[arg(long, env = "ACP_BRIDGE_LOG_URL", default_value = DEFAULT_LOG, value_name = "URL")]
    pub(in crate::cli) log: String,
    /// The directory for what agents need after a restart and the log must not have, MCP servers for one; else
    /// `secrets` in the state directory.
    #[arg(long, env = "ACP_BRIDGE_SECRETS", value_name = "DIR")]
    pub(in crate::cli) secrets: Option<PathBuf>,
    /// When a record counts as stored.
    #[arg(long, env = "ACP_BRIDGE_DURABILITY", value_enum, default_value_t = Durability::Fsync)]
    pub(in crate::cli) durability: Durability,
    /// How long an agent may take to obey a cancel before it is killed and restarted: `10s`, `500ms`.
    #[arg(long, env = "ACP_BRIDGE_CANCEL_GRACE", default_value = "10s", value_parser = amount::duration)]
    pub(in crate::cli) cancel_grace: std::time::Duration,
    /// How long an agent may be silent while it starts, and again while it opens a session, before it is given up.
    /// Whatever it writes starts the time anew, ten times as long in all.
    #[arg(long, env = "ACP_BRIDGE_START_TIMEOUT", default_value = "60s", value_parser = amount::duration)]
    pub(in crate::cli) start_timeout: std::time::Duration,
    /// Go on with an agent that has forgotten the conversation when it can neither load nor resume it.
    #[arg(long, env = "ACP_BRIDGE_ACCEPT_CONTEXT_LOSS")]
    pub(in crate::cli) accept_context_loss: bool,
    /// Agents that may run at once. By default one for each 256 MiB of the machine's memory, or of what its control group
    /// may have, but 16 at least and 1024 at most. Beyond that those are stopped that nobody needs; if there are none, a
    /// session that needs an agent is refused. Agents that dial in do not count.
    #[arg(long, env = "ACP_BRIDGE_MAX_AGENTS", value_name = "N")]
    pub(in crate::cli) max_agents: Option<std::num::NonZeroUsize>,
    /// How long an agent may run that has no turn, no client and nothing that waits; `0` or `never`: for ever. Its session
    /// stays, and the next prompt starts the agent again. One that can neither load nor resume a session is kept.
    #[arg(long, env = "ACP_BRIDGE_AGENT_IDLE", default_value = "15m", value_parser = idle)]
    pub(in crate::cli) agent_idle: Idle,
    /// Clients that may be connected at once.
    #[arg(long, env = "ACP_BRIDGE_MAX_CLIENTS", default_value_t = 1024, value_name = "N")]
    pub(in crate::cli) max_clients: usize,
    /// Pages of this origin may use the bridge: `http://localhost:8080`, `tauri://localhost`, `null`, or
    /// `vscode-webview://*` for all of a scheme. May be given more than once. Programs send no origin and need none.
    #[arg(long, env = "ACP_BRIDGE_ALLOW_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    pub(in crate::cli) allow_origin: Vec<Origin>,
    /// Trim updates that are older than this: `30d`, `12h`. Everything is kept by default.
    #[arg(long, env = "ACP_BRIDGE_RETAIN_AGE", value_name = "AGE", value_parser = amount::age)]
    pub(in crate::cli) retain_age: Option<std::time::Duration>,
    /// Trim the oldest updates of each session beyond this size: `1GiB`, `500MB`. Everything is kept by default.
    #[arg(long, env = "ACP_BRIDGE_RETAIN_SIZE", value_name = "SIZE", value_parser = amount::size)]
    pub(in crate::cli) retain_size: Option<u64>,
    /// Delete sessions without a record for this long, without an open turn, and without a client: `90d`. Off by default.
    #[arg(long, env = "ACP_BRIDGE_DELETE_IDLE", value_name = "AGE", value_parser = amount::age)]
    pub(in crate::cli) delete_idle: Option<std::time::Duration>,
    /// How often that is looked after.
    #[arg(long, env = "ACP_BRIDGE_RETAIN_EVERY", value_name = "AGE", default_value = "1m", value_parser = amount::duration)]
    pub(in crate::cli) retain_every: std::time::Duration,
    /// What becomes of permission requests while no controller is there, in sessions that do not say: `wait`,
    /// `wait:300s` (then reject), `reject`, or `allow:read,search`, with `:reject` or `:wait:300s` for all others.
    #[arg(long, env = "ACP_BRIDGE_UNATTENDED", default_value = "wait", value_name = "POLICY")]
    pub(in crate::cli) unattended: Unattended,
    /// Serve the agent no files.
    #[arg(long, env = "ACP_BRIDGE_NO_HOST_FS")]
    pub(in crate::cli) no_host_fs: bool,
    /// Serve the agent no terminals: commands that it runs through the bridge.
    #[arg(long, env = "ACP_BRIDGE_NO_HOST_TERMINAL")]
    pub(in crate::cli) no_host_terminal: bool,
    /// Hand the agent's files and terminals to a client that has them, an editor with unsaved text for example. Requests
    /// wait while none is there. What passes is written to the session log, file contents included.
    #[arg(long, env = "ACP_BRIDGE_CLIENT_FS", conflicts_with_all = ["no_host_fs", "no_host_terminal"])]
    pub(in crate::cli) client_fs: bool,
    /// Let agents and their turns go on when the bridge is stopped or killed, for so long: `1m`. A bridge that is started
    /// on the same address and log takes them up again.
    #[arg(long, env = "ACP_BRIDGE_KEEP_AGENTS", value_name = "AFTER", value_parser = amount::duration)]
    pub(in crate::cli) keep_agents: Option<std::time::Duration>,
    /// Variables of our environment that decide, with the agent, whether `attach` uses this bridge.
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',', hide = true)]
    pub(in crate::cli) env_from_client: Vec<String>,
    /// Print where it listens as one JSON line.
    #[arg(long)]
    pub(in crate::cli) json: bool,
    /// How long the others wait for this process, when it does not say that it is there, before they go on without it.
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = amount::duration, hide = true)]
    pub(in crate::cli) lease: std::time::Duration,
    /// A directory that gateway and host share when they are two processes: what commands must not hold goes through it.
    #[arg(long, value_name = "DIR", hide = true)]
    pub(in crate::cli) vault: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) reach: Reach,
    #[command(flatten)]
    pub(in crate::cli) agent: Agent,
}

/// A time after which something is over; `None`: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct Idle(pub(in crate::cli) Option<std::time::Duration>);

fn idle(text: &str) -> Result<Idle, String> {
    if matches!(text, "never" | "0") {
        return Ok(Idle(None));
    }
    let time = amount::duration(text).map_err(|error| error.to_string())?;
    Ok(Idle((!time.is_zero()).then_some(time)))
}

//! Arguments as typed; no logic.

mod common;
mod log;
mod session;

use std::path::PathBuf;

use acp_types::meta::{AfterRestart, OnBusy, Unattended};
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

pub(super) use self::common::{DEFAULT_LISTEN, Url};
pub(super) use self::log::{Compact, Export, Import};
pub(super) use self::session::{Cancel, Chat, Lanes, LanesChange, Queue, QueueChange, Sessions, Tail, Trust};

use self::common::DEFAULT_LOG;
use super::amount;
use crate::gateway::Origin;

/// Durable, shared, controllable sessions for ACP agents.
#[derive(Debug, Parser)]
#[command(
    name = "acp-bridge",
    version,
    about,
    after_help = "\
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no bridge or agent reached, 4 the turn did not complete."
)]
pub(super) struct Args {
    /// Log more to stderr: -v life-cycle, -vv every message. `ACP_BRIDGE_LOG` takes a filter instead.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the bridge in front of an agent.
    #[command(after_help = "\
Examples: acp-bridge serve --log sqlite:sessions.db --agent codex\n          acp-bridge serve --log sqlite:sessions.db -- my-agent --acp")]
    Serve(Box<Serve>),
    /// Only the side that runs agents; the arguments of `serve`. Its log must be one that several processes can share.
    #[command(hide = true)]
    Host(Box<Serve>),
    /// Only the side that serves clients; the arguments of `serve`. Its log must be one that several processes can share.
    #[command(hide = true)]
    Gateway(Box<Serve>),
    /// Be an ACP agent on stdin and stdout for an editor, in front of a bridge, which is started if none runs.
    #[command(after_help = "\
Examples: acp-bridge attach --agent codex\n          acp-bridge attach --session ID\n          acp-bridge attach --log sqlite:/home/me/sessions.db -- my-agent --acp\n
The session, the turn and the bridge stay when the editor goes.")]
    Attach(Attach),
    /// Start this program with other arguments and exit; how `attach` starts a bridge that is nobody's child.
    #[command(hide = true)]
    Detach(Detach),
    /// List the bridges that `attach` has started: agent, URL, log, and whether each one runs.
    Bridges(Bridges),
    /// Talk to the agent in the terminal. Ctrl-C stops the turn, Ctrl-D detaches and leaves it running.
    Chat(Chat),
    /// List sessions.
    Sessions(Sessions),
    /// Show what a session says, from a cursor. It looks on: the session is no less unattended for it.
    Tail(Tail),
    /// Send a prompt and show the turn until it ends.
    Send(Send),
    /// Stop a bridge, and wait until it has ended: the one at a URL, or the one that has a log.
    #[command(after_help = "\
Examples: acp-bridge stop --url http://127.0.0.1:4477\n          acp-bridge stop --log sqlite:sessions.db\n
It ends running turns as `interrupted`, but for those of agents that it keeps (`serve --keep-agents`). An editor that is
attached to a bridge which it has started starts another one.

Exit codes: 0 it has ended, 1 it has not within --timeout, 3 no bridge is there.")]
    Stop(Stop),
    /// Put the lanes and the policy of a session in force that was imported, or whose log somebody else wrote.
    Trust(Trust),
    /// Stop the running turn of a session, or what waits.
    Cancel(Cancel),
    /// Write a session as JSON Lines, also while a bridge runs.
    #[command(after_help = "\
Examples: acp-bridge export SESSION --log sqlite:sessions.db -o session.jsonl\n          acp-bridge export SESSION --url http://127.0.0.1:4477 -o session.jsonl")]
    Export(Export),
    /// Take a session in that `export` wrote. No bridge may have the log open. It is data: nothing that it says is started.
    #[command(after_help = "\
Example: acp-bridge import session.jsonl --log sqlite:elsewhere.db")]
    Import(Import),
    /// Give the space of deleted and trimmed records back. No bridge may have the log open.
    #[command(after_help = "\
Example: acp-bridge compact --log sqlite:sessions.db --trim-before 30d --keep-size 1GiB")]
    Compact(Compact),
    /// Show the prompts that wait in a session, or change one.
    Queue(Queue),
    /// List the agents of a session, add one or remove one.
    #[command(after_help = "\
Examples: acp-bridge lanes SESSION\n          acp-bridge lanes SESSION add review --agent claude\n          acp-bridge lanes SESSION remove review")]
    Lanes(Lanes),
    /// Run an agent here in a lane of a session elsewhere. It goes on when the connection drops.
    #[command(after_help = "\
Example: acp-bridge dial --url http://127.0.0.1:4477 --session SESSION --lane review -- my-agent --acp\n
Files and terminals of the agent are served here. TERM or Ctrl-C stops the agent; the lane stays.")]
    Dial(Dial),
    /// Check the log, a running bridge and, if one is given, an agent.
    Doctor(Doctor),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Durability {
    /// What a client saw survives a power cut.
    Fsync,
    /// It survives `kill -9`, not a power cut; latency is lower.
    Os,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Serve {
    /// Loopback address and port; `:0` picks a free port.
    #[arg(long, env = "ACP_BRIDGE_LISTEN", default_value = DEFAULT_LISTEN, value_name = "ADDR")]
    pub(super) listen: String,
    /// The session log: `sqlite:FILE`.
    #[arg(long, env = "ACP_BRIDGE_LOG_URL", default_value = DEFAULT_LOG, value_name = "URL")]
    pub(super) log: String,
    /// The directory for what agents need after a restart and the log must not have, MCP servers for one; else
    /// `secrets` in the state directory.
    #[arg(long, env = "ACP_BRIDGE_SECRETS", value_name = "DIR")]
    pub(super) secrets: Option<PathBuf>,
    /// When a record counts as stored.
    #[arg(long, env = "ACP_BRIDGE_DURABILITY", value_enum, default_value_t = Durability::Fsync)]
    pub(super) durability: Durability,
    /// How long an agent may take to obey a cancel before it is killed and restarted: `10s`, `500ms`.
    #[arg(long, env = "ACP_BRIDGE_CANCEL_GRACE", default_value = "10s", value_parser = amount::duration)]
    pub(super) cancel_grace: std::time::Duration,
    /// How long an agent may be silent while it starts, and again while it opens a session, before it is given up.
    /// Whatever it writes starts the time anew, ten times as long in all.
    #[arg(long, env = "ACP_BRIDGE_START_TIMEOUT", default_value = "60s", value_parser = amount::duration)]
    pub(super) start_timeout: std::time::Duration,
    /// Go on with an agent that has forgotten the conversation when it can neither load nor resume it.
    #[arg(long, env = "ACP_BRIDGE_ACCEPT_CONTEXT_LOSS")]
    pub(super) accept_context_loss: bool,
    /// Agents that may run at once. By default one for each 256 MiB of the machine's memory, or of what its control group
    /// may have, but 16 at least and 1024 at most. Beyond that those are stopped that nobody needs; if there are none, a
    /// session that needs an agent is refused. Agents that dial in do not count.
    #[arg(long, env = "ACP_BRIDGE_MAX_AGENTS", value_name = "N")]
    pub(super) max_agents: Option<std::num::NonZeroUsize>,
    /// How long an agent may run that has no turn, no client and nothing that waits; `0` or `never`: for ever. Its session
    /// stays, and the next prompt starts the agent again. One that can neither load nor resume a session is kept.
    #[arg(long, env = "ACP_BRIDGE_AGENT_IDLE", default_value = "15m", value_parser = idle)]
    pub(super) agent_idle: Idle,
    /// Clients that may be connected at once.
    #[arg(long, env = "ACP_BRIDGE_MAX_CLIENTS", default_value_t = 1024, value_name = "N")]
    pub(super) max_clients: usize,
    /// Pages of this origin may use the bridge: `http://localhost:8080`, `tauri://localhost`, `null`, or
    /// `vscode-webview://*` for all of a scheme. May be given more than once. Programs send no origin and need none.
    #[arg(long, env = "ACP_BRIDGE_ALLOW_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    pub(super) allow_origin: Vec<Origin>,
    /// Trim updates that are older than this: `30d`, `12h`. Everything is kept by default.
    #[arg(long, env = "ACP_BRIDGE_RETAIN_AGE", value_name = "AGE", value_parser = amount::age)]
    pub(super) retain_age: Option<std::time::Duration>,
    /// Trim the oldest updates of each session beyond this size: `1GiB`, `500MB`. Everything is kept by default.
    #[arg(long, env = "ACP_BRIDGE_RETAIN_SIZE", value_name = "SIZE", value_parser = amount::size)]
    pub(super) retain_size: Option<u64>,
    /// Delete sessions without a record for this long, without an open turn, and without a client: `90d`. Off by default.
    #[arg(long, env = "ACP_BRIDGE_DELETE_IDLE", value_name = "AGE", value_parser = amount::age)]
    pub(super) delete_idle: Option<std::time::Duration>,
    /// How often that is looked after.
    #[arg(long, env = "ACP_BRIDGE_RETAIN_EVERY", value_name = "AGE", default_value = "1m", value_parser = amount::duration)]
    pub(super) retain_every: std::time::Duration,
    /// What becomes of permission requests while no controller is there, in sessions that do not say: `wait`,
    /// `wait:300s` (then reject), `reject`, or `allow:read,search`, with `:reject` or `:wait:300s` for all others.
    #[arg(long, env = "ACP_BRIDGE_UNATTENDED", default_value = "wait", value_name = "POLICY")]
    pub(super) unattended: Unattended,
    /// Serve the agent no files.
    #[arg(long, env = "ACP_BRIDGE_NO_HOST_FS")]
    pub(super) no_host_fs: bool,
    /// Serve the agent no terminals: commands that it runs through the bridge.
    #[arg(long, env = "ACP_BRIDGE_NO_HOST_TERMINAL")]
    pub(super) no_host_terminal: bool,
    /// Hand the agent's files and terminals to a client that has them, an editor with unsaved text for example. Requests
    /// wait while none is there. What passes is written to the session log, file contents included.
    #[arg(long, env = "ACP_BRIDGE_CLIENT_FS", conflicts_with_all = ["no_host_fs", "no_host_terminal"])]
    pub(super) client_fs: bool,
    /// Let agents and their turns go on when the bridge is stopped or killed, for so long: `1m`. A bridge that is started
    /// on the same address and log takes them up again.
    #[arg(long, env = "ACP_BRIDGE_KEEP_AGENTS", value_name = "AFTER", value_parser = amount::duration)]
    pub(super) keep_agents: Option<std::time::Duration>,
    /// Variables of our environment that decide, with the agent, whether `attach` uses this bridge.
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',', hide = true)]
    pub(super) env_from_client: Vec<String>,
    /// Print where it listens as one JSON line.
    #[arg(long)]
    pub(super) json: bool,
    /// How long the others wait for this process, when it does not say that it is there, before they go on without it.
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = amount::duration, hide = true)]
    pub(super) lease: std::time::Duration,
    /// A directory that gateway and host share when they are two processes: what commands must not hold goes through it.
    #[arg(long, value_name = "DIR", hide = true)]
    pub(super) vault: Option<PathBuf>,
    #[command(flatten)]
    pub(super) reach: Reach,
    #[command(flatten)]
    pub(super) agent: Agent,
}

/// What agents may reach beside the directories of their sessions.
#[derive(Debug, Default, ClapArgs)]
pub(super) struct Reach {
    /// Serve these files and directories to agents as well, to be read. No link leads out of one. With `--agent NAME` the
    /// folders in which that harness keeps its skills are among them.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(super) allow_read: Vec<PathBuf>,
    /// The same, to be read and written.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(super) allow_write: Vec<PathBuf>,
}

/// The agent behind the bridge.
#[derive(Debug, ClapArgs)]
pub(super) struct Agent {
    /// A harness by name, as `acp-harness list` shows it: codex, claude, gemini, opencode, openclaw, or one of your own.
    #[arg(long = "agent", value_name = "NAME", conflicts_with = "command")]
    pub(super) name: Option<String>,
    /// The agent's command line.
    #[arg(last = true, value_name = "AGENT CMD")]
    pub(super) command: Vec<String>,
}

impl Agent {
    pub(super) fn is_named(&self) -> bool {
        self.name.is_some() || !self.command.is_empty()
    }
}

#[derive(Debug, ClapArgs)]
pub(super) struct Attach {
    #[command(flatten)]
    pub(super) url: Url,
    /// Answer the editor's first `session/new` with this session, as `sessions` shows it.
    #[arg(long, value_name = "ID")]
    pub(super) session: Option<String>,
    /// The session log of the bridge: `sqlite:FILE`; else one in the state directory that the agent always gets.
    #[arg(long, env = "ACP_BRIDGE_LOG_URL", value_name = "URL")]
    pub(super) log: Option<String>,
    /// Environment variables that the agents get from here. Another value of one is another bridge.
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',')]
    pub(super) env_from_client: Vec<String>,
    /// What the agents may reach. Other paths are another bridge.
    #[command(flatten)]
    pub(super) reach: Reach,
    #[command(flatten)]
    pub(super) agent: Agent,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Detach {
    /// Of the program to start.
    #[arg(last = true)]
    pub(super) arguments: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Send {
    #[command(flatten)]
    pub(super) url: Url,
    /// Its id, or `new` for a new session in the current directory.
    pub(super) session: String,
    /// The prompt.
    pub(super) text: String,
    /// The agent that is to get it, as `lanes` shows it; `main` by default.
    #[arg(long, value_name = "NAME")]
    pub(super) lane: Option<String>,
    /// Sending again with the same key never runs the prompt twice.
    #[arg(long)]
    pub(super) key: Option<String>,
    /// While a turn runs or waits: `queue`, `reject`, `interrupt` it, or `steer` it (put the message into it).
    #[arg(long, default_value_t = OnBusy::Queue, value_name = "WHAT")]
    pub(super) on_busy: OnBusy,
    /// If the bridge is started again while the prompt waits: `wait` for a client, or `run`.
    #[arg(long, default_value_t = AfterRestart::Wait, value_name = "WHAT")]
    pub(super) after_restart: AfterRestart,
    /// Every message as one JSON line, as it came.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Bridges {
    /// One JSON object per line.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Stop {
    /// The bridge that answers here; `acp-bridge bridges` shows those that `attach` has started.
    #[arg(long)]
    pub(super) url: Option<String>,
    /// Without --url: the session log of the bridge, `sqlite:FILE`.
    #[arg(long, env = "ACP_BRIDGE_LOG_URL", default_value = DEFAULT_LOG, value_name = "URL")]
    pub(super) log: String,
    /// How long it may take to end.
    #[arg(long, default_value = "30s", value_parser = amount::duration)]
    pub(super) timeout: std::time::Duration,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Dial {
    #[command(flatten)]
    pub(super) url: Url,
    /// The session, as `sessions` shows it.
    #[arg(long, value_name = "ID", required_unless_present = "instance")]
    pub(super) session: Option<String>,
    /// The agent's name in the session; made if there is none. 1 to 64 letters, digits, dots, hyphens and underscores. `main`
    /// is for a session that was created without an agent.
    #[arg(long, value_name = "NAME", required_unless_present = "instance")]
    pub(super) lane: Option<String>,
    /// What the session calls the agent; the name of its program by default.
    #[arg(long = "name", value_name = "NAME")]
    pub(super) called: Option<String>,
    /// How long the agent goes on without a bridge: `10m`, `30s`. Then it is stopped, and this program ends.
    #[arg(long, value_name = "AFTER", default_value = "10m", value_parser = amount::duration)]
    pub(super) give_up: std::time::Duration,
    /// How a bridge that has started this waits for it.
    #[arg(long, value_name = "ID", hide = true)]
    pub(super) instance: Option<String>,
    #[command(flatten)]
    pub(super) reach: Reach,
    #[command(flatten)]
    pub(super) agent: Agent,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Doctor {
    #[command(flatten)]
    pub(super) url: Url,
    /// Also check this log file: `sqlite:FILE`.
    #[arg(long, value_name = "URL")]
    pub(super) log: Option<String>,
    /// One JSON object per line.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) agent: Agent,
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

/// A time after which something is over; `None`: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Idle(pub(super) Option<std::time::Duration>);

fn idle(text: &str) -> Result<Idle, String> {
    if matches!(text, "never" | "0") {
        return Ok(Idle(None));
    }
    let time = amount::duration(text).map_err(|error| error.to_string())?;
    Ok(Idle((!time.is_zero()).then_some(time)))
}

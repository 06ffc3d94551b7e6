//! Arguments as typed; no logic.

mod agent;
mod bridge;
mod common;
mod log;
mod serve;
mod session;

use clap::{Parser, Subcommand};

pub(super) use self::agent::{Agent, Attach, Dial, Reach};
pub(super) use self::bridge::{Bridges, Detach, Doctor, Stop};
pub(super) use self::log::{Compact, Export, Import};
pub(super) use self::serve::{Durability, Serve};
pub(super) use self::session::{Cancel, Chat, Lanes, LanesChange, Queue, QueueChange, Send, Sessions, Tail, Trust};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }
}

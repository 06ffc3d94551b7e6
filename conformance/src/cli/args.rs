//! Arguments as typed; no logic.

mod common;
mod duration;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

pub(super) use common::{Format, Judge, Play, Waits};

/// Test tools for people who implement ACP.
#[derive(Debug, Parser)]
#[command(
    name = "acp-conformance",
    version,
    about,
    after_help = "\
Exit codes: 0 clean, 1 a check failed or the baseline is stale, 2 wrong usage, 3 the subject did not start, 4 the suite \
did wrong."
)]
pub(super) struct Args {
    /// Log more to stderr: -v life-cycle, -vv every request. `ACP_CONFORMANCE_LOG` takes a filter instead.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Test an agent.
    #[command(after_help = "\
Examples: acp-conformance agent -- my-agent --acp\n          acp-conformance agent --select CANCEL --select ERR-06 -- my-agent")]
    Agent(Agent),
    /// Test a client, whose agent is this program. It has to connect, open a session and send one prompt.
    #[command(after_help = "\
`{agent}` in the client's command line stands for the agent's, as one string. Without it the agent's command line comes \
behind the client's, and is in the variable ACP_CONFORMANCE_AGENT. With --listen it is `{url}` and ACP_CONFORMANCE_URL.\n\n\
Examples: acp-conformance client -- my-client --agent {agent} --prompt hello\n          acp-conformance client -- my-client\n          acp-conformance client --listen ws -- my-client --url {url} --prompt hello")]
    Client(Client),
    /// Test a bridge: something between a client and an agent, with our mock agent behind it.
    #[command(after_help = "\
Examples: acp-conformance bridge -- my-bridge --stdio -- {agent}
          my-server --listen :4477 -- acp-conformance mock-agent & acp-conformance bridge --url ws://127.0.0.1:4477/acp")]
    Bridge(Bridge),
    /// Measure an agent, or what stands in front of one: to a session, round trips, updates, a reader that stalls.
    #[command(after_help = "\
Examples: acp-conformance bench -- acp-conformance mock-agent
          acp-conformance bench --url ws://127.0.0.1:4477/acp --pid $(pidof acp-bridge)")]
    Bench(Bench),
    /// List the requirements of the protocol; those with a star are checked.
    List(List),
    /// Say what a requirement is, where it is written and what shows it.
    Explain(Explain),
    /// Judge transcripts again that `--transcripts` kept.
    Replay(Replay),
    /// Be an agent on stdin and stdout that does what the suite asks for, or fails one check.
    MockAgent(MockAgent),
    /// Be a client that starts an agent and sends one prompt, or fails one check.
    #[command(hide = true)]
    MockClient(MockClient),
    /// Be the agent that a client under test starts.
    #[command(hide = true)]
    StubAgent(StubAgent),
    /// Be an MCP server that writes down what is done to it.
    #[command(hide = true)]
    McpStub(McpStub),
    /// Serve a scripted model: OpenAI Responses, Anthropic Messages and Gemini on one local port, no key needed.
    #[command(after_help = "\
Example: acp-conformance model --script tools.toml --listen :4480
  Codex:       base_url = \"http://127.0.0.1:4480/v1\" of a model provider in config.toml
  Claude Code: ANTHROPIC_BASE_URL=http://127.0.0.1:4480 ANTHROPIC_API_KEY=test-key")]
    Model(Model),
}

impl Command {
    /// Whether an exit code of 1 says that something was tested and failed.
    pub(super) const fn judges(&self) -> bool {
        matches!(self, Self::Agent(_) | Self::Client(_) | Self::Bridge(_) | Self::Replay(_))
    }
}

/// How a client is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Listen {
    /// WebSocket.
    Ws,
    /// Streamable HTTP.
    Http,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Agent {
    #[command(flatten)]
    pub(super) play: Play,
    #[command(flatten)]
    pub(super) waits: Waits,
    /// Version of the protocol. 2 is a draft, over stdio and WebSocket.
    #[arg(long, default_value_t = 1, value_name = "VERSION", value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(super) protocol: u8,
    /// Test an agent that already listens here instead of starting one: over WebSocket at `ws://HOST:PORT/PATH`, or over
    /// streamable HTTP at `http://HOST:PORT/PATH`.
    #[arg(long, value_name = "URL", conflicts_with = "command")]
    pub(super) url: Option<String>,
    /// Start the scripted model and give the agent a home and an environment of its own: `codex`, `claude`.
    #[arg(long, value_name = "NAME")]
    pub(super) recipe: Option<String>,
    /// What the scripted model of the recipe plays instead of the answers to the suite's sentences.
    #[arg(long, value_name = "FILE", requires = "recipe")]
    pub(super) script: Option<PathBuf>,
    /// The agent's command line.
    #[arg(last = true, value_name = "AGENT CMD")]
    pub(super) command: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Client {
    #[command(flatten)]
    pub(super) play: Play,
    /// Version of the protocol. 2 is a draft, for clients that start their agent.
    #[arg(long, default_value_t = 1, value_name = "VERSION", value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(super) protocol: u8,
    /// Be an agent that the client connects to instead of one that it starts.
    #[arg(long, value_enum, value_name = "TRANSPORT")]
    pub(super) listen: Option<Listen>,
    /// Until the client has started its agent, sent its next message or answered a request.
    #[arg(long, default_value = "30s", value_parser = duration::duration)]
    pub(super) timeout: Duration,
    /// Until the client has ended after its turn; one that goes on is ended.
    #[arg(long, default_value = "3s", value_parser = duration::duration)]
    pub(super) grace: Duration,
    /// The client's command line.
    #[arg(last = true, value_name = "CLIENT CMD")]
    pub(super) command: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Bridge {
    #[command(flatten)]
    pub(super) play: Play,
    #[command(flatten)]
    pub(super) waits: Waits,
    /// Test a bridge that already listens here for WebSockets, with `acp-conformance mock-agent` behind it.
    #[arg(long, value_name = "URL", conflicts_with = "command")]
    pub(super) url: Option<String>,
    /// Ask for the promises of acp-bridge as well, P1 to P12 and P14. Behind it: `acp-conformance mock-agent --sessions FILE`.
    #[arg(long)]
    pub(super) durable: bool,
    /// The bridge's command line, to talk to on stdin and stdout. `{agent}` in it stands for that of the mock agent.
    #[arg(last = true, value_name = "BRIDGE CMD")]
    pub(super) command: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct McpStub {
    /// Where it writes it down.
    #[arg(long, value_name = "FILE")]
    pub(super) record: PathBuf,
    /// Whatever else it is started with.
    pub(super) words: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Bench {
    /// Updates that the agent is asked for in one turn.
    #[arg(long, default_value_t = 20_000, value_name = "N")]
    pub(super) updates: u64,
    /// Requests that are sent one after the other.
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    pub(super) requests: u64,
    /// How long nothing is read while a turn writes; `0s` for no such turn.
    #[arg(long, default_value = "2s", value_parser = duration::duration)]
    pub(super) stall: Duration,
    /// A prompt that makes the agent write, for one that does not do what the suite's sentence says.
    #[arg(long, value_name = "TEXT")]
    pub(super) prompt: Option<String>,
    /// Look at the memory of this process and those below it; of what was started by default.
    #[arg(long, value_name = "PID")]
    pub(super) pid: Option<u32>,
    /// Until anything that is waited for has come.
    #[arg(long, default_value = "2m", value_parser = duration::duration)]
    pub(super) timeout: Duration,
    /// One JSON object.
    #[arg(long)]
    pub(super) json: bool,
    /// Measure what already listens here: `ws://HOST:PORT/PATH` or `http://HOST:PORT/PATH`.
    #[arg(long, value_name = "URL", conflicts_with = "command")]
    pub(super) url: Option<String>,
    /// The agent's command line.
    #[arg(last = true, value_name = "AGENT CMD")]
    pub(super) command: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct List {
    /// Only this requirement, or all that begin so up to a hyphen.
    #[arg(long, value_name = "ID-PREFIX")]
    pub(super) select: Vec<String>,
    /// As a table.
    #[arg(long, conflicts_with = "json")]
    pub(super) markdown: bool,
    /// One JSON object per line.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Explain {
    /// Its id, as `list` shows it.
    pub(super) id: String,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Replay {
    #[command(flatten)]
    pub(super) run: Judge,
    /// Files that `--transcripts` wrote.
    #[arg(required = true, value_name = "TRANSCRIPT")]
    pub(super) transcripts: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct MockAgent {
    /// Version of the protocol. 2 is a draft, on stdin and stdout only.
    #[arg(long, default_value_t = 1, value_name = "VERSION", value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(super) protocol: u8,
    /// Fail this check.
    #[arg(long, value_name = "ID")]
    pub(super) fail: Option<String>,
    /// Serve any number of clients at `/acp`, over HTTP and WebSocket, on this loopback address and port, `:0` for a free one, and print where.
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<String>,
    /// Keep sessions in this file, for whatever starts an agent anew for each client.
    #[arg(long, value_name = "FILE")]
    pub(super) sessions: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct MockClient {
    /// Version of the protocol. 2 is a draft.
    #[arg(long, default_value_t = 1, value_name = "VERSION", value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(super) protocol: u8,
    /// Fail this check.
    #[arg(long, value_name = "ID")]
    pub(super) fail: Option<String>,
    /// Connect to an agent here instead of starting one: `ws://` or `http://`.
    #[arg(long, value_name = "URL", conflicts_with = "agent")]
    pub(super) url: Option<String>,
    /// The agent's command line.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "AGENT CMD")]
    pub(super) agent: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct StubAgent {
    /// Where the tester waits.
    pub(super) socket: PathBuf,
    /// What the client is to pass on.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) arguments: Vec<String>,
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

//! The command line: arguments, one file per subcommand, and what they print.

mod agent;
mod args;
mod bench;
mod bridge;
mod client;
mod exit;
mod list;
mod mcp_stub;
mod mock;
mod model;
mod outcome;
mod output;
mod play;
mod private;
mod replay;
mod table;

use std::process::ExitCode;

use clap::Parser;

pub use exit::Exit;

/// Runs the command line of this process and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let args = args::Args::parse();
    let otherwise = if args.command.judges() { Exit::SuiteBug } else { Exit::Failed };
    // What panicked has said so on stderr.
    let done = std::panic::catch_unwind(|| run(args)).unwrap_or(Ok(Exit::SuiteBug));
    ExitCode::from(done.unwrap_or_else(|error| {
        output::error(&error);
        exit::code_of(&error, otherwise)
    }))
}

fn run(args: args::Args) -> anyhow::Result<Exit> {
    output::logging(args.verbose);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let done = runtime.block_on(async {
        match args.command {
            args::Command::Agent(args) => agent::run(args).await,
            args::Command::Client(args) => client::run(args).await,
            args::Command::Bridge(args) => bridge::run(args).await,
            args::Command::Bench(args) => bench::run(args).await,
            args::Command::List(args) => list::list(&args),
            args::Command::Explain(args) => list::explain(&args),
            args::Command::Replay(args) => replay::run(&args),
            args::Command::Model(args) => model::run(args).await.map(|()| Exit::Ok),
            args::Command::McpStub(args) => mcp_stub::run(&args),
            args::Command::MockAgent(args) => mock::run(args).await,
            args::Command::MockClient(args) => mock::client(args).await,
            args::Command::StubAgent(args) => mock::stub(args).await,
        }
    });
    // A read of stdin that nobody waits for any more would hold up the end.
    runtime.shutdown_background();
    done
}

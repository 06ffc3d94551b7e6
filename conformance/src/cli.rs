//! The command line: arguments, one file per subcommand, and what they print.

mod args;
mod exit;
mod model;
mod output;

use std::process::ExitCode;

use clap::Parser;

pub use exit::Exit;

/// Runs the command line of this process and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let args = args::Args::parse();
    match run(args) {
        Ok(()) => ExitCode::from(Exit::Ok),
        Err(error) => {
            output::error(&error);
            ExitCode::from(exit::code_of(&error))
        }
    }
}

fn run(args: args::Args) -> anyhow::Result<()> {
    output::logging(args.verbose);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match args.command {
            args::Command::Model(args) => model::run(args).await,
        }
    })
}

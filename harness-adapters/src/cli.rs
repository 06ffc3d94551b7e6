//! The command line: arguments, one file per subcommand, and what they print.

mod args;
mod doctor;
mod exit;
mod list;
mod output;
mod run;

use std::process::ExitCode;

use clap::Parser;

use crate::profile::{Adapter, Profiles, user_file};

pub use exit::Exit;

/// Runs the command line of this process and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    acp_server::guard::init();
    let args = args::Args::parse();
    output::logging(args.verbose);
    match run(args) {
        Ok(()) => ExitCode::from(Exit::Ok),
        Err(error) => {
            if exit::is_broken_pipe(&error) {
                return ExitCode::from(Exit::Ok);
            }
            output::error(&error);
            ExitCode::from(exit::code_of(&error))
        }
    }
}

fn run(args: args::Args) -> anyhow::Result<()> {
    let profiles = || Profiles::load(user_file(|name| std::env::var_os(name)));
    // One thread: sessions wait for their harness, and memory counts.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        match args.command {
            args::Command::Codex(args) => run::adapter(Adapter::Codex, args.run, args.mode).await,
            args::Command::Claude(args) => run::adapter(Adapter::Claude, args, None).await,
            args::Command::List(args) => list::run(&profiles()?, &args).await,
            args::Command::Which(args) => list::which(&profiles()?, &args),
            args::Command::Doctor(args) => doctor::run(&profiles()?, args).await,
            args::Command::Other(words) => run::other(&profiles()?, &words),
        }
    });
    runtime.shutdown_background();
    result
}

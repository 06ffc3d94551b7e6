//! The command line: arguments, one file per subcommand, and what they print.

mod agent;
mod agent_route;
mod amount;
mod api;
mod args;
mod attach;
mod bridges;
mod cancel;
mod chat;
mod client;
mod compact;
mod detached_launcher;
mod dial;
mod doctor;
mod exit;
mod export;
mod home;
mod identity;
mod import;
mod lanes;
mod memory;
mod offline;
mod output;
mod ownership;
mod queue;
mod reach;
mod send;
mod serve;
mod sessions;
mod show;
mod stop;
mod tail;
mod trust;
mod turn;

use std::process::ExitCode;

use clap::Parser;

pub use exit::Exit;

use crate::log::Opener;

/// Runs the command line of this process and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    main_with(|_| None)
}

/// The same, for a program with engines of its own for the session log.
#[must_use]
pub fn main_with(opener: Opener) -> ExitCode {
    acp_server::guard::init();
    let args = args::Args::parse();
    match run(args, opener) {
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

fn run(args: args::Args, opener: Opener) -> anyhow::Result<()> {
    output::logging(args.verbose);
    if matches!(args.command, args::Command::Serve(_) | args::Command::Host(_) | args::Command::Gateway(_)) {
        memory::give_back_what_is_big();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let result = runtime.block_on(async {
        match args.command {
            args::Command::Serve(args) => serve::run(*args, opener).await,
            args::Command::Host(args) => serve::host(*args, opener).await,
            args::Command::Gateway(args) => serve::gateway(*args, opener).await,
            args::Command::Attach(args) => attach::run(args).await,
            args::Command::Detach(args) => attach::detach(&args),
            args::Command::Bridges(args) => bridges::run(&args).await,
            args::Command::Chat(args) => chat::run(args).await,
            args::Command::Sessions(args) => sessions::run(args).await,
            args::Command::Tail(args) => tail::run(args).await,
            args::Command::Send(args) => send::run(args).await,
            args::Command::Stop(args) => stop::run(args).await,
            args::Command::Trust(args) => trust::run(args).await,
            args::Command::Cancel(args) => cancel::run(args).await,
            args::Command::Export(args) => export::run(args).await,
            args::Command::Import(args) => import::run(args).await,
            args::Command::Compact(args) => compact::run(args).await,
            args::Command::Queue(args) => queue::run(args).await,
            args::Command::Lanes(args) => lanes::run(args).await,
            args::Command::Dial(args) => dial::run(args).await,
            args::Command::Doctor(args) => doctor::run(args).await,
        }
    });
    // A read of the terminal cannot be interrupted; the process does not wait for it.
    runtime.shutdown_background();
    result
}

//! The project's own commands: `cargo xtask demo | test | bench | check | tidy | gen | currency`.

mod bench;
mod check;
mod cli;
mod currency;
mod demo;
mod r#gen;
mod npm;
mod page;
mod run;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Args::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nfailed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

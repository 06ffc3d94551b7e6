//! Arguments as typed.

use clap::{Parser, Subcommand};

use crate::{bench, check, currency, demo, r#gen, test, tidy};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "The project's own commands")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play a session with a real agent: cuts, kills, a late permission, a stop.
    Demo {
        /// Ask no questions; exit 0, or say which step failed.
        #[arg(long)]
        once: bool,
    },
    /// Install what the tests need, run everything, say what was and was not exercised.
    Test,
    /// Measure against the official SDKs and write docs/benchmarks.md.
    Bench {
        /// What to measure.
        #[arg(value_enum, default_value_t = bench::Part::All)]
        part: bench::Part,
        /// One small run of each; writes nothing.
        #[arg(long)]
        quick: bool,
    },
    /// One end of the bare pipe that `bench` measures.
    #[command(hide = true)]
    BarePipe {
        times: Option<u64>,
        #[arg(default_value_t = 0)]
        core: u32,
    },
    /// Format, clippy, docs, structure.
    Check,
    /// Structure alone: crate edges, file sizes, the promises table.
    Tidy,
    /// Write generated files again.
    Gen,
    /// Ask the registry for a newer release of ACP's schema, say what is new in it, and fail when it has waited too long.
    Currency {
        /// Write the JSON Schemas of the release in use to conformance/schema first.
        #[arg(long)]
        save: bool,
    },
}

impl Args {
    /// Does what was asked.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Demo { once } => demo::run(once),
            Command::Test => test::run(),
            Command::Bench { part, quick } => bench::run(part, quick),
            Command::BarePipe { times, core } => bench::bare_pipe(times, core),
            Command::Check => check::run(),
            Command::Tidy => tidy::run(),
            Command::Gen => r#gen::run(),
            Command::Currency { save } => currency::run(save),
        }
    }
}

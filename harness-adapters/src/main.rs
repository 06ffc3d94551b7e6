//! The `acp-harness` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    harness_adapters::cli::main()
}

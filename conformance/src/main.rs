//! The `acp-conformance` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    conformance::cli::main()
}

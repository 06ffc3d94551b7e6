//! The `acp-bridge` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    acp_bridge::cli::main()
}

//! The `acp-conformance` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    acp_server::guard::init();
    conformance::cli::main()
}

//! `acp-conformance mcp-stub`.

use super::args;
use super::exit::Exit;
use crate::mcp_stub;

/// Blocks: the process does nothing else.
pub(super) fn run(args: &args::McpStub) -> anyhow::Result<Exit> {
    mcp_stub::serve(&args.record, &args.words, std::io::stdin().lock(), std::io::stdout())?;
    Ok(Exit::Ok)
}

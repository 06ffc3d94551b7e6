//! The agent that the user asked for: a command line, or a harness by name.

use std::path::{Path, PathBuf};

use acp_server::transport::child::ChildSpec;
use acp_types::ErrorObjectOwned;
use acp_types::error::{self, ErrorCode};
use async_trait::async_trait;
use tokio::process::Command;

use super::args;
use super::exit::{Exit, code_of, coded};
use crate::host::Profiles;

/// The program that knows harnesses by name and runs them as agents.
const HARNESS: &str = "acp-harness";

/// How to start it; `None` when the user asked for none.
pub(super) async fn spec(agent: &args::Agent) -> anyhow::Result<Option<ChildSpec>> {
    if let Some((program, arguments)) = agent.command.split_first() {
        return Ok(Some(ChildSpec::new(program).args(arguments)));
    }
    let Some(name) = &agent.name else { return Ok(None) };
    let program = harness_program();
    check(&program, name).await?;
    Ok(Some(ChildSpec::new(program).arg(name)))
}

/// The harnesses that [`HARNESS`] knows, as agents that may join a session.
#[derive(Debug)]
pub(super) struct Harnesses;

#[async_trait]
impl Profiles for Harnesses {
    async fn agent(&self, name: &str) -> Result<ChildSpec, ErrorObjectOwned> {
        let program = harness_program();
        check(&program, name).await.map_err(|why| {
            let code = if code_of(&why) == Exit::Usage { ErrorCode::INVALID_PARAMS } else { ErrorCode::INTERNAL_ERROR };
            error::error(code, format!("{why:#}"), None)
        })?;
        Ok(ChildSpec::new(program).arg(name))
    }
}

/// Beside this program, as it is built and installed, or else wherever `PATH` has it.
fn harness_program() -> PathBuf {
    let beside = std::env::current_exe().map(|exe| exe.with_file_name(HARNESS));
    beside.ok().filter(|program| program.is_file()).unwrap_or_else(|| PathBuf::from(HARNESS))
}

/// Says now what is wrong, rather than at the first session.
async fn check(program: &Path, name: &str) -> anyhow::Result<()> {
    let output = Command::new(program).args(["which", "--", name]).output().await.map_err(|error| {
        let message = format!(
            "cannot run {HARNESS}, which knows agents by name: {error}; install it with `cargo install --path \
             harness-adapters`, or write the agent's command line after `--`"
        );
        coded(Exit::Unreachable, message)
    })?;
    if output.status.success() {
        return Ok(());
    }
    let exit = if output.status.code() == Some(2) { Exit::Usage } else { Exit::Unreachable };
    let said = String::from_utf8_lossy(&output.stderr);
    Err(coded(exit, said.trim().trim_start_matches("acp-harness: ").to_owned()))
}
